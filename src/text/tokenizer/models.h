// From the rules of a model to the model.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer/parts.h"
#include "text/tokenizer/tokenizer_file.h"

namespace distill {

/// Takes vocabulary and merges out of `file`. Throws DataError.
std::unique_ptr<Model> parse_model(TokenizerFile& file, const std::string& where);

}  // namespace distill
