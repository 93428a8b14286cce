// Which tokens begin, end and fill a text.
#pragma once

#include <filesystem>

#include "distill/text/tokenizer.h"

namespace distill {

/// From tokenizer_config.json, else special_tokens_map.json, else the ids in config.json, each role
/// by itself; files that are not there are passed over. Throws DataError.
SpecialTokens read_special_tokens(const std::filesystem::path& folder, const Tokenizer& tokenizer);

}  // namespace distill
