// TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel and Sequence.
#include <algorithm>

#include "text/tokenizer/parts.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

using Pieces = std::vector<PairPiece>;
using Kind = PairPiece::Kind;

// Special tokens around a text, or around two.
class Frame final : public PostProcessor {
 public:
  Frame(Pieces single, Pieces pair) : single_(std::move(single)), pair_(std::move(pair)) {}

  void apply(std::vector<TextToken>& tokens, const PostInput& input) const override {
    if (!input.add_special_tokens) return;
    std::vector<TextToken> out;
    out.reserve(tokens.size() + single_.size());
    for (const PairPiece& piece : single_) {
      if (piece.kind == Kind::kToken) {
        out.push_back({static_cast<int32_t>(piece.id), {}, {}});
      } else {
        out.insert(out.end(), tokens.begin(), tokens.end());
      }
    }
    tokens = std::move(out);
  }

  // The library has no frames around frames of two.
  Pieces frame_pair(Pieces texts) const override { return texts.size() == 2 ? pair_ : Pieces(); }

 private:
  Pieces single_, pair_;
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
  Pieces frame_pair(Pieces texts) const override {
    for (const auto& part : parts_) texts = part->frame_pair(std::move(texts));
    return texts;
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

void append_special(const Json& piece, const Json& rules, const std::string& where, Pieces& out) {
  const std::string name = json_string(piece, "id", where);
  const Json none = Json::object();
  const Json& special = rules.contains("special_tokens") ? rules["special_tokens"] : none;
  if (!special.is_object() || !special.contains(name) || !special[name].is_object() ||
      !special[name].contains("ids") || !special[name]["ids"].is_array()) {
    throw DataError(where + ": the ids of \"" + name + "\" are missing in special_tokens");
  }
  const int64_t type_id = json_int_or(piece, "type_id", 0, where);
  for (const Json& id : special[name]["ids"]) {
    out.push_back({Kind::kToken, token_id(id, where + ": special_tokens"), type_id});
  }
}

Pieces parse_pieces(const Json& rules, const std::string& key, const std::string& where) {
  if (!rules.contains(key) || !rules[key].is_array()) {
    throw DataError(where + ": expected a list");
  }
  Pieces pieces;
  for (const Json& piece : rules[key]) {
    if (piece.is_object() && piece.contains("SpecialToken")) {
      append_special(piece["SpecialToken"], rules, where, pieces);
    } else if (piece.is_object() && piece.contains("Sequence")) {
      const Json& text = piece["Sequence"];
      const bool second = json_string_or(text, "id", "A", where) == "B";
      pieces.push_back(
          {second ? Kind::kSecond : Kind::kFirst, 0, json_int_or(text, "type_id", 0, where)});
    } else {
      throw DataError(where + ": expected a SpecialToken or a Sequence, found " + piece.dump());
    }
  }
  return pieces;
}

std::unique_ptr<PostProcessor> parse_template(const Json& rules, const std::string& where) {
  const auto count = [](const Pieces& pieces, Kind kind) {
    return std::count_if(pieces.begin(), pieces.end(),
                         [kind](const PairPiece& piece) { return piece.kind == kind; });
  };
  Pieces single = parse_pieces(rules, "single", where + ": single");
  if (count(single, Kind::kFirst) + count(single, Kind::kSecond) != 1) {
    throw DataError(where + ": single: expected special tokens around one Sequence, found " +
                    rules["single"].dump());
  }
  Pieces pair;
  if (rules.contains("pair")) {
    pair = parse_pieces(rules, "pair", where + ": pair");
    if (count(pair, Kind::kFirst) != 1 || count(pair, Kind::kSecond) != 1) {
      throw DataError(where + ": pair: expected the Sequences A and B, once each, found " +
                      rules["pair"].dump());
    }
  }
  return std::make_unique<Frame>(std::move(single), std::move(pair));
}

// `rules[key]` is ["[CLS]", 101].
int32_t paired_id(const Json& rules, const std::string& key, const std::string& where) {
  if (!rules.contains(key) || !rules[key].is_array() || rules[key].size() != 2) {
    throw DataError(where + ": " + key + ": expected a token and its id");
  }
  return token_id(rules[key][1], where + ": " + key);
}

std::unique_ptr<PostProcessor> parse_bert(const Json& rules, const std::string& where) {
  const PairPiece cls{Kind::kToken, paired_id(rules, "cls", where), 0};
  const PairPiece sep{Kind::kToken, paired_id(rules, "sep", where), 0};
  const PairPiece last{Kind::kToken, sep.id, 1};
  return std::make_unique<Frame>(Pieces{cls, {Kind::kFirst}, sep},
                                 Pieces{cls, {Kind::kFirst}, sep, {Kind::kSecond, 0, 1}, last});
}

std::unique_ptr<PostProcessor> parse_trim(const Json& rules, const std::string& where) {
  if (!json_bool_or(rules, "trim_offsets", true, where)) {
    return std::make_unique<PostProcessorSequence>(std::vector<std::unique_ptr<PostProcessor>>{});
  }
  return std::make_unique<TrimOffsets>(json_bool_or(rules, "add_prefix_space", true, where));
}

std::unique_ptr<PostProcessor> parse_roberta(const Json& rules, const std::string& where) {
  const PairPiece cls{Kind::kToken, paired_id(rules, "cls", where), 0};
  const PairPiece sep{Kind::kToken, paired_id(rules, "sep", where), 0};
  std::vector<std::unique_ptr<PostProcessor>> parts;
  parts.push_back(parse_trim(rules, where));
  parts.push_back(
      std::make_unique<Frame>(Pieces{cls, {Kind::kFirst}, sep},
                              Pieces{cls, {Kind::kFirst}, sep, sep, {Kind::kSecond}, sep}));
  return std::make_unique<PostProcessorSequence>(std::move(parts));
}

}  // namespace

std::unique_ptr<PostProcessor> parse_post_processor(const Json& rules, const std::string& where) {
  const std::string type = part_type(rules, where);
  if (type == "TemplateProcessing") return parse_template(rules, where);
  if (type == "BertProcessing") return parse_bert(rules, where);
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
