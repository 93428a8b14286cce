#include "text/tokenizer/aligned_text.h"

#include <algorithm>

#include "distill/core/error.h"
#include "distill/io/json.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

ByteSpan span_of(size_t begin, size_t end) {
  return {static_cast<int32_t>(begin), static_cast<int32_t>(end)};
}

// Length of the longest start of a code point at the head of `text`, which is not one: the unit
// that one U+FFFD replaces (Unicode 15, section 3.9, "maximal subpart").
size_t invalid_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0xC2 || lead > 0xF4 || text.size() < 2) return 1;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 1;
  const size_t whole = std::min(utf8_length(text[0]), text.size());
  size_t n = 2;
  while (n < whole && is_utf8_continuation(text[n])) ++n;
  return n;
}

}  // namespace

void refuse_growth(size_t limit) {
  throw DataError("the tokenizer's rules make a text more than 64 times as long: over " +
                  std::to_string(limit) + " bytes");
}

AlignedText AlignedText::from_any_bytes(std::string_view source) {
  AlignedText whole(source, 0, source.size());
  if (!first_invalid_utf8(source)) return whole;
  AlignedText out;
  out.limit_ = whole.limit_;
  for (size_t at = 0; at < source.size();) {
    const std::string_view rest = source.substr(at);
    const size_t valid = first_invalid_utf8(rest).value_or(rest.size());
    for_each_code_point(rest.substr(0, valid), [&](char32_t, size_t begin, size_t end) {
      out.text_.append(rest.substr(begin, end - begin));
      out.spans_.resize(out.text_.size(), span_of(at + begin, at + end));
    });
    at += valid;
    if (at == source.size()) break;
    const size_t bad = invalid_length(source.substr(at));
    out.text_.append(kReplacement);
    out.spans_.resize(out.text_.size(), span_of(at, at + bad));
    at += bad;
  }
  return out;
}

ByteSpan AlignedText::source(size_t begin, size_t end) const {
  if (!spans_.empty()) return {spans_[begin].begin, spans_[end - 1].end};
  while (begin > 0 && is_utf8_continuation(text_[begin])) --begin;
  while (end < text_.size() && is_utf8_continuation(text_[end])) ++end;
  return {shift_ + static_cast<int32_t>(begin), shift_ + static_cast<int32_t>(end)};
}

AlignedText AlignedText::slice(size_t begin, size_t end) const {
  AlignedText out;
  out.text_ = text_.substr(begin, end - begin);
  out.shift_ = shift_ + static_cast<int32_t>(begin);
  out.limit_ = longest_rewrite(end - begin);
  if (!spans_.empty()) {
    const auto first = spans_.begin();
    out.spans_.assign(first + static_cast<std::ptrdiff_t>(begin),
                      first + static_cast<std::ptrdiff_t>(end));
  }
  return out;
}

void AlignedTextBuilder::copy(size_t begin, size_t end) {
  const std::string_view text = std::string_view(from_.text()).substr(begin, end - begin);
  for_each_code_point(text, [&](char32_t, size_t first, size_t last) {
    add(text.substr(first, last - first), from_.source(begin + first, begin + last));
  });
}

}  // namespace distill
