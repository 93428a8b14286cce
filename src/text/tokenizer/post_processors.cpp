// TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel and Sequence. One text at a
// time: the templates for pairs are not used.
#include "text/tokenizer/parts.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

// Ids before and behind the text.
class Surround final : public PostProcessor {
 public:
  Surround(std::vector<int32_t> before, std::vector<int32_t> behind)
      : before_(std::move(before)), behind_(std::move(behind)) {}

  void apply(std::vector<TextToken>& tokens, const PostInput& input) const override {
    if (!input.add_special_tokens) return;
    std::vector<TextToken> out;
    out.reserve(before_.size() + tokens.size() + behind_.size());
    for (const int32_t id : before_) out.push_back({id, {}, {}});
    out.insert(out.end(), tokens.begin(), tokens.end());
    for (const int32_t id : behind_) out.push_back({id, {}, {}});
    tokens = std::move(out);
  }

 private:
  std::vector<int32_t> before_, behind_;
};

bool is_space(char32_t code_point) {
  constexpr char32_t kByteLevelSpace = 0x120;
  return code_point == kByteLevelSpace || is_white_space(code_point);
}

// Takes white space off the offsets of tokens, as many characters as the token has at its ends.
class TrimOffsets final : public PostProcessor {
 public:
  explicit TrimOffsets(bool add_prefix_space) : add_prefix_space_(add_prefix_space) {}

  void apply(std::vector<TextToken>& tokens, const PostInput& input) const override {
    for (TextToken& token : tokens) {
      const std::string_view text =
          token.added.empty() ? input.vocabulary.token(token.id).value_or("") : token.added;
      size_t leading = 0, trailing = 0;
      bool all_space = true;
      for_each_code_point(text, [&](char32_t code_point, size_t, size_t) {
        const bool space = is_space(code_point);
        all_space = all_space && space;
        leading += all_space ? 1 : 0;
        trailing = space ? trailing + 1 : 0;
      });
      const bool is_first = &token == tokens.data() || token.source.begin == 0;
      if (is_first && add_prefix_space_ && leading == 1) leading = 0;
      trim(token.source, leading, trailing, input.text);
    }
  }

 private:
  static void trim(ByteSpan& span, size_t leading, size_t trailing, std::string_view text) {
    const auto byte = [text](int32_t at) { return text[static_cast<size_t>(at)]; };
    for (; leading > 0 && span.begin < span.end; --leading) {
      do {
        ++span.begin;
      } while (span.begin < span.end && is_utf8_continuation(byte(span.begin)));
    }
    for (; trailing > 0 && span.end > span.begin; --trailing) {
      do {
        --span.end;
      } while (span.end > span.begin && is_utf8_continuation(byte(span.end)));
    }
  }

  bool add_prefix_space_;
};

class PostProcessorSequence final : public PostProcessor {
 public:
  explicit PostProcessorSequence(std::vector<std::unique_ptr<PostProcessor>> parts)
      : parts_(std::move(parts)) {}

  void apply(std::vector<TextToken>& tokens, const PostInput& input) const override {
    for (const auto& part : parts_) part->apply(tokens, input);
  }

 private:
  std::vector<std::unique_ptr<PostProcessor>> parts_;
};

int32_t token_id(const Json& value, const std::string& where) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0 ||
      value.get<int64_t>() >= Vocabulary::kMaxId) {
    throw DataError(where + ": expected the id of a token, found " + value.dump());
  }
  return value.get<int32_t>();
}

std::unique_ptr<PostProcessor> parse_template(const Json& rules, const std::string& where) {
  if (!rules.contains("single") || !rules["single"].is_array()) {
    throw DataError(where + ": single: expected a list");
  }
  const Json none = Json::object();
  const Json& special = rules.contains("special_tokens") ? rules["special_tokens"] : none;
  std::vector<int32_t> before, behind;
  bool seen_text = false;
  for (const Json& piece : rules["single"]) {
    if (piece.is_object() && piece.contains("Sequence") && !seen_text) {
      seen_text = true;
      continue;
    }
    if (!piece.is_object() || !piece.contains("SpecialToken")) {
      throw DataError(where + ": single: expected special tokens around one Sequence, found " +
                      rules["single"].dump());
    }
    const std::string name = json_string(piece["SpecialToken"], "id", where + ": single");
    if (!special.is_object() || !special.contains(name) || !special[name].is_object() ||
        !special[name].contains("ids") || !special[name]["ids"].is_array()) {
      throw DataError(where + ": special_tokens: the ids of \"" + name + "\" are missing");
    }
    for (const Json& id : special[name]["ids"]) {
      (seen_text ? behind : before).push_back(token_id(id, where + ": special_tokens"));
    }
  }
  if (!seen_text) throw DataError(where + ": single: it has no Sequence");
  return std::make_unique<Surround>(std::move(before), std::move(behind));
}

// `rules[key]` is ["[CLS]", 101].
int32_t paired_id(const Json& rules, const std::string& key, const std::string& where) {
  if (!rules.contains(key) || !rules[key].is_array() || rules[key].size() != 2) {
    throw DataError(where + ": " + key + ": expected a token and its id");
  }
  return token_id(rules[key][1], where + ": " + key);
}

std::unique_ptr<PostProcessor> parse_cls_sep(const Json& rules, const std::string& where) {
  return std::make_unique<Surround>(std::vector{paired_id(rules, "cls", where)},
                                    std::vector{paired_id(rules, "sep", where)});
}

std::unique_ptr<PostProcessor> parse_trim(const Json& rules, const std::string& where) {
  if (!json_bool_or(rules, "trim_offsets", true, where)) {
    return std::make_unique<PostProcessorSequence>(std::vector<std::unique_ptr<PostProcessor>>{});
  }
  return std::make_unique<TrimOffsets>(json_bool_or(rules, "add_prefix_space", true, where));
}

std::unique_ptr<PostProcessor> parse_roberta(const Json& rules, const std::string& where) {
  std::vector<std::unique_ptr<PostProcessor>> parts;
  parts.push_back(parse_trim(rules, where));
  parts.push_back(parse_cls_sep(rules, where));
  return std::make_unique<PostProcessorSequence>(std::move(parts));
}

}  // namespace

std::unique_ptr<PostProcessor> parse_post_processor(const Json& rules, const std::string& where) {
  const std::string type = part_type(rules, where);
  if (type == "TemplateProcessing") return parse_template(rules, where);
  if (type == "BertProcessing") return parse_cls_sep(rules, where);
  if (type == "RobertaProcessing") return parse_roberta(rules, where);
  if (type == "ByteLevel") return parse_trim(rules, where);
  if (type == "Sequence") {
    return std::make_unique<PostProcessorSequence>(
        parse_parts(rules, "processors", where, parse_post_processor));
  }
  refuse_part(type, where,
              "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence");
}

}  // namespace distill
