// Where the records of a large file begin, and the hash of its text: found once, kept in the user's
// cache folder and mapped from there, as long as the file is what it was (size, inode, times).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "distill/core/hash.h"
#include "distill/io/mapped_file.h"

namespace distill {

/// Smaller files are scanned each time: that takes a few milliseconds.
inline constexpr size_t kWorthAnIndex = size_t{64} << 20;

class RecordIndex {
 public:
  RecordIndex(std::vector<uint64_t> begins, std::optional<ContentKey> hash)
      : own_(std::move(begins)), begins_(own_), hash_(hash) {}
  RecordIndex(MappedFile kept, std::span<const uint64_t> begins, ContentKey hash)
      : kept_(std::move(kept)), begins_(begins), hash_(hash) {}
  RecordIndex(const RecordIndex&) = delete;
  RecordIndex& operator=(const RecordIndex&) = delete;
  RecordIndex(RecordIndex&&) = default;
  RecordIndex& operator=(RecordIndex&&) = default;

  std::span<const uint64_t> begins() const { return begins_; }
  uint64_t begin(size_t record) const;  ///< throws Error beyond the last
  /// Of the text; absent where it was not kept.
  const std::optional<ContentKey>& hash() const { return hash_; }

 private:
  std::vector<uint64_t> own_;
  MappedFile kept_;
  std::span<const uint64_t> begins_;
  std::optional<ContentKey> hash_;
};

/// The kept index of `file`; `kind` says how its text is cut. Nothing where there is none, or where
/// the file has changed.
std::optional<RecordIndex> find_index(const std::filesystem::path& file, const std::string& kind);

/// Keeps an index of the file as it was at `stamp`. Throws DataError where the cache folder cannot
/// be written.
void keep_index(const std::filesystem::path& file, const std::string& kind, const FileStamp& stamp,
                std::span<const uint64_t> begins, const ContentKey& text_hash);

}  // namespace distill
