// tokenizer.json. Its vocabulary and merges are most of its bytes, and read apart from the rest: a
// general JSON reader would make a program wait for them.
#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "distill/io/json.h"
#include "text/tokenizer/vocabulary.h"

namespace distill {

struct TokenizerFile {
  using Merge = std::pair<std::string_view, std::string_view>;

  /// Throws DataError.
  static TokenizerFile read(const std::filesystem::path& path);
  /// `where` names the text in errors.
  static TokenizerFile parse(std::string text, const std::string& where);

  TokenizerFile() = default;
  TokenizerFile(TokenizerFile&&) = default;
  TokenizerFile& operator=(TokenizerFile&&) = default;

  Json rules;                  ///< the file with null for model.vocab and model.merges
  Vocabulary vocabulary;       ///< model.vocab
  bool scored = false;         ///< model.vocab is a list of tokens and their scores
  std::vector<double> scores;  ///< of each id if so
  std::vector<Merge> merges;

  std::string text;                 ///< what merges point into
  std::deque<std::string> escaped;  ///< and those that were written with escapes
};

}  // namespace distill
