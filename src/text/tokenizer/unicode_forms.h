// Unicode's normalization forms as normalizers.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer/parts.h"

namespace distill {

/// "NFC", "NFD", "NFKC" or "NFKD"; null for any other name.
std::unique_ptr<Normalizer> make_unicode_form(const std::string& name);

}  // namespace distill
