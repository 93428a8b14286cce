// SentencePiece's own models (tokenizer.model, spiece.model), through its library.
#pragma once

#include <filesystem>
#include <memory>

#include "distill/text/tokenizer.h"

namespace distill {

/// Special and added tokens, and whether BOS and EOS are put around a text, come from the files
/// beside the model, as in transformers; without them a text gets neither. Throws DataError, also
/// for classes of tokenizer that number the pieces in another way.
std::shared_ptr<const Tokenizer> load_sentencepiece(const std::filesystem::path& model);

}  // namespace distill
