// Pre-tokenizers that cut at a pattern: Split, CharDelimiterSplit, Digits, Punctuation, Whitespace,
// WhitespaceSplit, BertPreTokenizer; and Sequence.
#include "text/tokenizer/character_sets.h"
#include "text/tokenizer/parts.h"
#include "text/tokenizer/pattern.h"
#include "text/tokenizer/space_pre_tokenizers.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

// The library's \w is not the same here as in the expressions of tokenizer.json.
constexpr const char* kWordOrSigns = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}]+)"
                                     R"(|[^\s\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200C}\x{200D}]+)";

class Split final : public PreTokenizer {
 public:
  Split(std::unique_ptr<Pattern> pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void apply(PreTokens& tokens) const override { tokens.split(*pattern_, behavior_, invert_); }

 private:
  std::unique_ptr<Pattern> pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> parts)
      : parts_(std::move(parts)) {}

  void apply(PreTokens& tokens) const override {
    for (const auto& part : parts_) part->apply(tokens);
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

std::unique_ptr<PreTokenizer> parse_split(const Json& rules, const std::string& where) {
  if (!rules.contains("pattern")) throw DataError(where + ": the key pattern is missing");
  return std::make_unique<Split>(parse_pattern(rules["pattern"], where + ": pattern"),
                                 parse_split_behavior(json_string(rules, "behavior", where), where),
                                 json_bool_or(rules, "invert", false, where));
}

}  // namespace

std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const Json& rules, const std::string& where) {
  const std::string type = part_type(rules, where);
  const auto split = [](std::unique_ptr<Pattern> pattern, SplitBehavior behavior, bool invert) {
    return std::make_unique<Split>(std::move(pattern), behavior, invert);
  };
  if (type == "ByteLevel") return parse_byte_level_pre_tokenizer(rules, where);
  if (type == "Metaspace") return parse_metaspace_pre_tokenizer(rules, where);
  if (type == "Split") return parse_split(rules, where);
  if (type == "Digits") {
    const bool individual = json_bool_or(rules, "individual_digits", false, where);
    return split(class_pattern(is_numeric),
                 individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, false);
  }
  if (type == "Punctuation") {
    const std::string behavior = json_string_or(rules, "behavior", "Isolated", where);
    return split(class_pattern(is_punctuation), parse_split_behavior(behavior, where), false);
  }
  if (type == "Whitespace") {
    return split(regex_pattern(kWordOrSigns, where), SplitBehavior::kRemoved, true);
  }
  if (type == "WhitespaceSplit") {
    return split(class_pattern(is_white_space), SplitBehavior::kRemoved, false);
  }
  if (type == "CharDelimiterSplit") {
    return split(literal_pattern(json_character(rules, "delimiter", where)),
                 SplitBehavior::kRemoved, false);
  }
  if (type == "BertPreTokenizer") {
    std::vector<std::unique_ptr<PreTokenizer>> parts;
    parts.push_back(split(class_pattern(is_white_space), SplitBehavior::kRemoved, false));
    parts.push_back(split(class_pattern(is_punctuation), SplitBehavior::kIsolated, false));
    return std::make_unique<PreTokenizerSequence>(std::move(parts));
  }
  if (type == "Sequence") {
    return std::make_unique<PreTokenizerSequence>(
        parse_parts(rules, "pretokenizers", where, parse_pre_tokenizer));
  }
  refuse_part(type, where,
              "ByteLevel, Metaspace, Split, CharDelimiterSplit, Digits, Punctuation, Whitespace, "
              "WhitespaceSplit, BertPreTokenizer, Sequence");
}

}  // namespace distill
