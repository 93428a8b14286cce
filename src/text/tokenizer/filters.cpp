#include "text/tokenizer/filters.h"

#include "text/tokenizer/character_sets.h"
#include "text/tokenizer/unicode.h"
#include "text/tokenizer/unicode_forms.h"

namespace distill {
namespace {

// A text without the characters for which `leaves_out` is true.
template <typename LeavesOut>
AlignedText filter(const AlignedText& text, LeavesOut&& leaves_out) {
  AlignedTextBuilder out(text);
  for_each_code_point(text.text(), [&](char32_t code_point, size_t begin, size_t end) {
    if (!leaves_out(code_point)) out.copy(begin, end);
  });
  return out.finish();
}

class StripAccents final : public Normalizer {
 public:
  AlignedText apply(AlignedText text) const override { return filter(text, is_mark); }
};

// The characters that SentencePiece's rules "nmt" leave out or take for a space.
class Nmt final : public Normalizer {
 public:
  AlignedText apply(AlignedText text) const override {
    AlignedTextBuilder out(text);
    for_each_code_point(text.text(), [&](char32_t code_point, size_t begin, size_t end) {
      if (leaves_out(code_point)) return;
      is_space(code_point) ? out.add(" ", text.source(begin, end)) : out.copy(begin, end);
    });
    return out.finish();
  }

 private:
  static bool leaves_out(char32_t c) {
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F;
  }
  static bool is_space(char32_t c) {
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
  }
};

// Each byte becomes its character of the byte-level alphabet.
class ByteLevelNormalizer final : public Normalizer {
 public:
  AlignedText apply(AlignedText text) const override {
    AlignedTextBuilder out(text);
    for (size_t at = 0; at < text.text().size(); ++at) {
      const auto byte = static_cast<unsigned char>(text.text()[at]);
      out.add(byte_level_character(byte), text.source(at, at + 1));
    }
    return out.finish();
  }
};

// Characters of the CJK blocks that BERT takes one by one.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

class BertNormalizer final : public Normalizer {
 public:
  BertNormalizer(const Json& rules, const std::string& where)
      : cleans_(json_bool_or(rules, "clean_text", true, where)),
        parts_chinese_(json_bool_or(rules, "handle_chinese_chars", true, where)),
        lowers_(json_bool_or(rules, "lowercase", true, where)),
        strips_accents_(json_bool_or(rules, "strip_accents", lowers_, where)),
        decomposed_(make_unicode_form("NFD")) {}

  AlignedText apply(AlignedText text) const override {
    AlignedTextBuilder out(text);
    for_each_code_point(text.text(), [&](char32_t code_point, size_t begin, size_t end) {
      if (cleans_ && (code_point == 0 || code_point == 0xFFFD || is_control(code_point))) return;
      const ByteSpan span = text.source(begin, end);
      if (cleans_ && is_white_space(code_point)) {
        out.add(" ", span);
      } else if (parts_chinese_ && is_chinese(code_point)) {
        out.add(" " + text.text().substr(begin, end - begin) + " ", span);
      } else {
        out.copy(begin, end);
      }
    });
    text = out.finish();
    if (strips_accents_) text = filter(decomposed_->apply(std::move(text)), is_nonspacing_mark);
    return lowers_ ? lower(text) : text;
  }

 private:
  static AlignedText lower(const AlignedText& text) {
    AlignedTextBuilder out(text);
    std::string lowered;
    for_each_code_point(text.text(), [&](char32_t code_point, size_t begin, size_t end) {
      lowered.clear();
      append_lower(lowered, code_point);
      out.add(lowered, text.source(begin, end));
    });
    return out.finish();
  }

  bool cleans_, parts_chinese_, lowers_, strips_accents_;
  std::unique_ptr<Normalizer> decomposed_;
};

}  // namespace

std::unique_ptr<Normalizer> parse_filter(const std::string& type, const Json& rules,
                                         const std::string& where) {
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "ByteLevel") return std::make_unique<ByteLevelNormalizer>();
  if (type == "BertNormalizer") return std::make_unique<BertNormalizer>(rules, where);
  return nullptr;
}

}  // namespace distill
