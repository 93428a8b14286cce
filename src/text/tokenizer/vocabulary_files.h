// Tokenizers of folders without tokenizer.json: the rules that belong to the files' class of
// tokenizer, as the transformers library writes them.
#pragma once

#include <filesystem>

#include "text/tokenizer/tokenizer_file.h"

namespace distill {

/// vocab.txt, a token a line: BERT's kind. Throws DataError for a class that it does not know.
TokenizerFile read_vocab_list(const std::filesystem::path& folder);
/// vocab.json and merges.txt: the kinds of GPT-2, RoBERTa and Qwen2.
TokenizerFile read_vocab_and_merges(const std::filesystem::path& folder);

}  // namespace distill
