#include "distill/core/error.h"
#include "distill/text/tokenizer.h"
#include "text/tokenizer/file_tokenizer.h"
#include "text/tokenizer/sentencepiece_tokenizer.h"
#include "text/tokenizer/vocabulary_files.h"

namespace distill {

std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  const bool is_folder = fs::is_directory(path);
  const fs::path folder = is_folder ? path : path.parent_path();
  const auto has = [&](const char* name) { return fs::exists(folder / name); };
  const fs::path file = is_folder ? path / "tokenizer.json" : path;
  if (!is_folder && path.extension() == ".model") return load_sentencepiece(path);
  if (is_folder && !has("tokenizer.json")) {
    if (has("vocab.json") && has("merges.txt")) {
      return make_file_tokenizer(read_vocab_and_merges(folder), (folder / "vocab.json").string(),
                                 folder);
    }
    if (has("vocab.txt")) {
      return make_file_tokenizer(read_vocab_list(folder), (folder / "vocab.txt").string(), folder);
    }
    for (const char* name : {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model"}) {
      if (has(name)) return load_sentencepiece(folder / name);
    }
    throw DataError(folder.string() +
                    ": found no tokenizer; looked for tokenizer.json, vocab.json " +
                    "with merges.txt, vocab.txt, tokenizer.model and spiece.model");
  }
  return make_file_tokenizer(TokenizerFile::read(file), file.string(), folder);
}

}  // namespace distill
