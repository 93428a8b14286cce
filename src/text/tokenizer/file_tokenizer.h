// The tokenizer that the rules of a tokenizer.json describe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "distill/text/tokenizer.h"
#include "text/tokenizer/tokenizer_file.h"

namespace distill {

/// `where` names the file in errors; the roles of tokens are read from `folder`. Throws DataError.
std::shared_ptr<const Tokenizer> make_file_tokenizer(TokenizerFile file, const std::string& where,
                                                     const std::filesystem::path& folder);

}  // namespace distill
