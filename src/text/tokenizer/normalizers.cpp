// Lowercase, Replace, Prepend, Strip and Sequence.
#include "text/tokenizer/filters.h"
#include "text/tokenizer/parts.h"
#include "text/tokenizer/precompiled.h"
#include "text/tokenizer/unicode.h"
#include "text/tokenizer/unicode_forms.h"

namespace distill {
namespace {

class Lowercase final : public Normalizer {
 public:
  AlignedText apply(AlignedText text) const override {
    AlignedTextBuilder out(text);
    std::string lower;
    for_each_code_point(text.text(), [&](char32_t code_point, size_t begin, size_t end) {
      lower.clear();
      append_lower(lower, code_point);
      out.add(lower, text.source(begin, end));
    });
    return out.finish();
  }
};

class Replace final : public Normalizer {
 public:
  Replace(const Json& rules, const std::string& where)
      : pattern_(parse_pattern(rules.value("pattern", Json()), where + ": pattern")),
        content_(json_string(rules, "content", where)) {}

  AlignedText apply(AlignedText text) const override {
    std::vector<Stretch> stretches;
    pattern_->cut(text.text(), stretches);
    AlignedTextBuilder out(text);
    for (const Stretch& stretch : stretches) {
      if (!stretch.matched) {
        out.copy(stretch.begin, stretch.end);
      } else if (!content_.empty()) {
        // What is put in belongs to the last character that goes out.
        const size_t end = stretch.end;
        out.add(content_, end == 0 ? start_of(text) : text.source(end - 1, end));
      }
    }
    return out.finish();
  }

 private:
  static ByteSpan start_of(const AlignedText& text) {
    const int32_t start = text.text().empty() ? 0 : text.source(0, 1).begin;
    return {start, start};
  }

  std::unique_ptr<Pattern> pattern_;
  std::string content_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}

  AlignedText apply(AlignedText text) const override {
    if (text.text().empty()) return text;
    AlignedTextBuilder out(text);
    out.add(prefix_, text.source(0, utf8_length(text.text()[0])));
    out.copy(0, text.text().size());
    return out.finish();
  }

 private:
  std::string prefix_;
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  AlignedText apply(AlignedText text) const override {
    size_t begin = text.text().size();
    size_t end = 0;
    for_each_code_point(text.text(), [&](char32_t code_point, size_t first, size_t last) {
      if (is_white_space(code_point)) return;
      begin = std::min(begin, first);
      end = last;
    });
    if (!left_) begin = 0;
    if (!right_) end = text.text().size();
    return text.slice(begin, std::max(begin, end));
  }

 private:
  bool left_, right_;
};

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> parts)
      : parts_(std::move(parts)) {}

  AlignedText apply(AlignedText text) const override {
    for (const auto& part : parts_) text = part->apply(std::move(text));
    return text;
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> parts_;
};

}  // namespace

std::unique_ptr<Normalizer> parse_normalizer(const Json& rules, const std::string& where) {
  const std::string type = part_type(rules, where);
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "Replace") return std::make_unique<Replace>(rules, where);
  if (type == "Prepend") {
    return std::make_unique<Prepend>(json_string(rules, "prepend", where));
  }
  if (type == "Strip") {
    return std::make_unique<Strip>(json_bool_or(rules, "strip_left", true, where),
                                   json_bool_or(rules, "strip_right", true, where));
  }
  if (type == "Sequence") {
    return std::make_unique<NormalizerSequence>(
        parse_parts(rules, "normalizers", where, parse_normalizer));
  }
  if (type == "Precompiled") return parse_precompiled(rules, where);
  if (auto form = make_unicode_form(type)) return form;
  if (auto filter = parse_filter(type, rules, where)) return filter;
  refuse_part(type, where,
              "NFC, NFD, NFKC, NFKD, Lowercase, Replace, Prepend, Strip, StripAccents, Nmt, "
              "BertNormalizer, ByteLevel, Precompiled, Sequence");
}

}  // namespace distill
