// Pre-tokenizers that write spaces in a way of their own: ByteLevel (GPT-2) and Metaspace
// (SentencePiece).
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer/parts.h"

namespace distill {

std::unique_ptr<PreTokenizer> parse_byte_level_pre_tokenizer(const Json& rules,
                                                             const std::string& where);
std::unique_ptr<PreTokenizer> parse_metaspace_pre_tokenizer(const Json& rules,
                                                            const std::string& where);

/// When Metaspace puts a space in front of a piece.
enum class PrependScheme { kAlways, kFirst, kNever };
PrependScheme parse_prepend_scheme(const Json& rules, const std::string& where);

}  // namespace distill
