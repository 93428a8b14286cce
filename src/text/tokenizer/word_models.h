// Models that look words up in a vocabulary: WordPiece and WordLevel.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer/parts.h"
#include "text/tokenizer/tokenizer_file.h"

namespace distill {

/// The longest token that starts a word, then the longest that goes on, and so forth; the unknown
/// token for the whole word if that leads nowhere (Devlin et al. 2019). Takes the vocabulary out of
/// `file`. Throws DataError.
std::unique_ptr<Model> make_word_piece_model(TokenizerFile& file, const std::string& where);
/// A token a word.
std::unique_ptr<Model> make_word_level_model(TokenizerFile& file, const std::string& where);

}  // namespace distill
