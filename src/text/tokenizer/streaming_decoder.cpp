#include "distill/text/streaming_decoder.h"

#include <utility>

namespace distill {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";
// A text may have U+FFFD of its own, but so many of them are tokens that make no text: what is held
// is decoded again with each token.
constexpr size_t kMaxHeld = 1024;

// Without the U+FFFD at the end, which may be the start of a character.
size_t certain_end(std::string_view text) {
  size_t end = text.size();
  size_t held = 0;
  while (text.substr(0, end).ends_with(kReplacement)) {
    end -= kReplacement.size();
    ++held;
  }
  return held > kMaxHeld ? text.size() : end;
}

}  // namespace

std::string StreamingDecoder::push(int64_t id) {
  ids_.push_back(id);
  const std::string text = whole();
  const size_t end = certain_end(text);
  std::string out = take(text, end);
  if (end < text.size() || out.empty()) return out;
  // The tokens before are needed no more, unless those since are no text by themselves: the first
  // token of a text may lose its space.
  const std::string since = decode(fresh_);
  if (!since.empty()) {
    ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(fresh_));
    given_ = since;
  }
  fresh_ = ids_.size();
  return out;
}

std::string StreamingDecoder::finish() {
  const std::string text = whole();
  std::string out = take(text, text.size());
  ids_.clear();
  given_.clear();
  fresh_ = 0;
  return out;
}

std::string StreamingDecoder::decode(size_t first) const {
  const auto begin = ids_.begin() + static_cast<std::ptrdiff_t>(first);
  return tokenizer_.decode(std::vector<int64_t>(begin, ids_.end()), skip_special_tokens_);
}

std::string StreamingDecoder::whole() const {
  std::string text = decode(0);
  if (text.starts_with(given_)) return text;
  // Bytes that make no character spoil those beside them: for now, or for good.
  return given_ + decode(fresh_);
}

std::string StreamingDecoder::take(const std::string& text, size_t end) {
  if (end <= given_.size()) return "";
  std::string out = text.substr(given_.size(), end - given_.size());
  given_ = text.substr(0, end);
  return out;
}

}  // namespace distill
