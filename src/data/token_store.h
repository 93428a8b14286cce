// The tokens of a large source on disk: written whole, once, by a pass over all records; mapped
// from then on. The name is the hash of all that decides on the tokens (files, tokenizer, template,
// format), so a store never goes stale. A checksum a record tells a damaged one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "distill/core/files.h"
#include "distill/core/hash.h"
#include "distill/flow/batch.h"
#include "distill/io/mapped_file.h"

namespace distill {

/// 4 bytes a token: the id, and in the highest bit whether it is a target. Nothing where an id has
/// more than 31 bits.
std::optional<std::vector<uint32_t>> compact_tokens(const Document& document);
/// Tokens and targets; the sample is empty.
Document document_of(std::span<const uint32_t> compact);

/// Safe to share between threads.
class TokenStore {
 public:
  /// Null where there is none of `records` records under that name.
  static std::unique_ptr<const TokenStore> open(const ContentKey& name, size_t records);

  /// False where the record could not be read when the store was written.
  bool has(size_t record) const { return offsets_[record] != offsets_[record + 1]; }
  /// The document; nothing where the record could not be read when the store was written. Throws
  /// DataError for a damaged one.
  std::optional<Document> read(size_t record) const;
  /// Lets the tokens leave this process's memory until they are read again.
  void release() const { file_.release(); }

 private:
  TokenStore(std::filesystem::path path, MappedFile file, std::span<const uint64_t> offsets)
      : path_(std::move(path)), file_(std::move(file)), offsets_(offsets) {}

  std::filesystem::path path_;
  MappedFile file_;
  std::span<const uint64_t> offsets_;  // [records + 1], bytes
};

/// Writes a store, record after record. What is not finished leaves nothing behind. Throws
/// DataError where the cache folder cannot be written.
class TokenStoreWriter {
 public:
  explicit TokenStoreWriter(const ContentKey& name);
  /// The next record; nothing: it could not be read, or has no compact form.
  void add(const std::optional<std::vector<uint32_t>>& compact);
  void finish();

 private:
  AtomicFile file_;
  std::vector<uint64_t> offsets_ = {0};
  std::string buffer_;
};

}  // namespace distill
