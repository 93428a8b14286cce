// The normalizer of SentencePiece's models.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer/parts.h"

namespace distill {

/// Replaces what the rules' precompiled_charsmap names. Throws DataError.
std::unique_ptr<Normalizer> parse_precompiled(const Json& rules, const std::string& where);

}  // namespace distill
