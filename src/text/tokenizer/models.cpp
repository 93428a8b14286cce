#include "text/tokenizer/models.h"

#include "text/tokenizer/bpe_model.h"
#include "text/tokenizer/word_models.h"

namespace distill {
namespace {

// Files older than the key `type` are told apart by what only one model has.
std::string model_type(const Json& rules, const std::string& where) {
  const char* guess = rules.contains("merges")                     ? "BPE"
                      : rules.contains("max_input_chars_per_word") ? "WordPiece"
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
  if (type != "BPE" && type != "WordPiece" && type != "WordLevel") {
    refuse_part(type, part, "BPE, WordPiece, WordLevel");
  }
  if (!file.rules["model"].contains("vocab") || !file.rules["model"]["vocab"].is_null()) {
    throw DataError(part + ": vocab: expected an object of tokens and their ids");
  }
  if (type == "BPE") return make_bpe_model(file, part);
  return type == "WordPiece" ? make_word_piece_model(file, part)
                             : make_word_level_model(file, part);
}

}  // namespace distill
