// Normalizers that leave characters out or put others in their place: StripAccents, Nmt,
// BertNormalizer, ByteLevel.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer/parts.h"

namespace distill {

/// Null if `type` is none of them.
std::unique_ptr<Normalizer> parse_filter(const std::string& type, const Json& rules,
                                         const std::string& where);

}  // namespace distill
