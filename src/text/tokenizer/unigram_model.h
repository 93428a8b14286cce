// Unigram (Kudo 2018): of all ways to cut a piece into tokens the one whose scores add up to most.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer/parts.h"
#include "text/tokenizer/tokenizer_file.h"

namespace distill {

/// Takes vocabulary and scores out of `file`. Throws DataError.
std::unique_ptr<Model> make_unigram_model(TokenizerFile& file, const std::string& where);

}  // namespace distill
