// A file of JSON records, read at random. The file is mapped and only the place of each record is
// kept (8 bytes), so files larger than memory work. A gzip or zstd file is decompressed once, into
// the user's cache folder ($XDG_CACHE_HOME/distill/text), and that copy is mapped: records stay
// addressable by number, and lines and columns in messages are those of the text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "distill/core/hash.h"
#include "distill/io/json.h"
#include "distill/io/mapped_file.h"

namespace distill {

/// JSONL (blank lines do not count), or one JSON list, which its first character tells.
/// Immutable and safe to share between threads.
class RecordFile {
 public:
  /// Throws DataError: absent, empty, a list that does not end, a compressed stream that is broken
  /// (with its byte).
  explicit RecordFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  size_t size() const { return begins_.size(); }
  /// The record's bytes as they stand in the file.
  std::string_view text(size_t record) const;
  /// Throws DataError with path, line and column.
  Json read(size_t record) const;
  /// "path:line".
  std::string place(size_t record) const;
  /// Identity of the whole text; compressed or not, it is the same.
  ContentKey hash() const;

 private:
  void index_lines();
  void index_list(size_t open);
  size_t skip_space(size_t at) const;
  /// One past the value that starts at `at`, by its brackets and quotes alone.
  size_t end_of_value(size_t at) const;
  TextPlace locate(size_t offset) const;
  [[noreturn]] void fail(size_t offset, const std::string& what) const;

  std::filesystem::path path_;
  MappedFile file_;
  std::string_view text_;
  bool is_list_ = false;
  std::vector<uint64_t> begins_;
};

}  // namespace distill
