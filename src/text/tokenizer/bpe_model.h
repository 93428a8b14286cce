// Byte pair encoding (Sennrich et al. 2016): neighbours merge, the pair of lowest rank first, the
// leftmost among equals.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/tokenizer/parts.h"
#include "text/tokenizer/tokenizer_file.h"

namespace distill {

/// Takes vocabulary and merges out of `file`. Throws DataError.
std::unique_ptr<Model> make_bpe_model(TokenizerFile& file, const std::string& where);

}  // namespace distill
