// Decoders of vocabularies that mark where words go on or end: WordPiece and BPEDecoder.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer/parts.h"

namespace distill {

/// Null if `type` is none of them.
std::unique_ptr<Decoder> parse_word_decoder(const std::string& type, const Json& rules,
                                            const std::string& where);

}  // namespace distill
