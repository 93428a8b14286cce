#include "text/tokenizer/models.h"

#include "text/tokenizer/bpe_model.h"
#include "text/tokenizer/unigram_model.h"
#include "text/tokenizer/word_models.h"

namespace distill {
namespace {

// Files older than the key `type` are told apart by what only one model has.
std::string model_type(const Json& rules, const std::string& where) {
  const char* guess = rules.contains("merges")                     ? "BPE"
                      : rules.contains("max_input_chars_per_word") ? "WordPiece"
                      : rules.contains("unk_id")                   ? "Unigram"
                                                                   : "";
  return json_string_or(rules, "type", guess, where);
}

}  // namespace

std::unique_ptr<Model> parse_model(TokenizerFile& file, const std::string& where) {
  if (!file.rules.is_object() || !file.rules.contains("model") ||
      !file.rules["model"].is_object()) {
    throw DataError(where + ": expected a tokenizer.json with a model");
  }
  const std::string part = where + ": model";
  const std::string type = model_type(file.rules["model"], part);
  if (type != "BPE" && type != "WordPiece" && type != "WordLevel" && type != "Unigram") {
    refuse_part(type, part, "BPE, WordPiece, WordLevel, Unigram");
  }
  const Json& rules = file.rules["model"];
  if (!rules.contains("vocab") || !rules["vocab"].is_null() || file.scored != (type == "Unigram")) {
    throw DataError(part + ": vocab: expected " +
                    (type == "Unigram" ? "a list of tokens with their scores"
                                       : "an object of tokens and their ids"));
  }
  if (type == "Unigram") return make_unigram_model(file, part);
  if (type == "BPE") return make_bpe_model(file, part);
  return type == "WordPiece" ? make_word_piece_model(file, part)
                             : make_word_level_model(file, part);
}

}  // namespace distill
