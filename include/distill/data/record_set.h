// The records of all files that a path or a pattern names, under one numbering.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "distill/data/records.h"

namespace distill {

/// The file, or the files that match a pattern with *, ? or [...], in the order of their names'
/// bytes; folders are left out, and a file that has just that name comes before a pattern. Throws
/// DataError that names a pattern without a match, and for "**", which is not supported.
std::vector<std::filesystem::path> source_files(const std::string& path);

/// True where `source_files` finds something.
bool source_exists(const std::string& path);

/// Immutable and safe to share between threads.
class RecordSet {
 public:
  /// Throws DataError, as `source_files` and RecordFile do.
  explicit RecordSet(const std::string& path, const RecordOptions& options = {});

  size_t size() const { return begins_.back(); }
  // These are of RecordFile.
  std::string_view text(size_t record) const;
  Json read(size_t record) const;
  std::string place(size_t record) const;
  /// Identity of the files' texts in their order; of one file, that file's.
  ContentKey hash() const;
  size_t bytes() const;
  void release() const;

 private:
  struct Position {
    const RecordFile& file;
    size_t record;
  };
  Position find(size_t record) const;

  std::vector<std::unique_ptr<const RecordFile>> files_;
  std::vector<size_t> begins_ = {0};  // of each file's records, and all of them
};

}  // namespace distill
