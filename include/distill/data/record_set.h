// The records of all files that a path or a pattern names, under one numbering.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "distill/data/records.h"

namespace distill {

/// What a source takes of a dataset, in the words of the Hugging Face libraries.
struct DatasetPart {
  std::optional<std::string> subset = {};
  std::optional<std::string> split = {};
};

/// The files of a source: a file; those that match a pattern with *, ? or [...], in the order of
/// their names' bytes, folders left out (a file that has just that name comes before a pattern); or
/// of a part of a dataset, which is a folder or an id of the local Hugging Face cache ("org/name").
/// Throws DataError that names a pattern without a match, a dataset that is not there (with the
/// command that fetches it), a part that it does not have or that is in doubt (with those that it
/// has), a part of what is no dataset; and for "**", which is not supported.
std::vector<std::filesystem::path> source_files(const std::string& path,
                                                const DatasetPart& part = {});

/// True where there is such a file or folder, a match, or a dataset in the cache.
bool source_exists(const std::string& path);

/// Immutable and safe to share between threads.
class RecordSet {
 public:
  /// Throws DataError, as RecordFile does.
  RecordSet(const std::vector<std::filesystem::path>& files, const RecordOptions& options);
  /// Of `source_files`, and throws as it does.
  explicit RecordSet(const std::string& path, const RecordOptions& options = {},
                     const DatasetPart& part = {});

  size_t size() const { return begins_.back(); }
  // These are of RecordFile.
  std::string_view text(size_t record) const;
  Json read(size_t record) const;
  std::string place(size_t record) const;
  /// Identity of the files' texts in their order; of one file, that file's.
  ContentKey hash() const;
  size_t bytes() const;
  void release() const;
  /// Looks at each file that one of the records is in.
  void require_unchanged(std::span<const uint32_t> records) const;

 private:
  struct Position {
    const RecordFile& file;
    size_t record;
  };
  Position find(size_t record) const;
  size_t file_of(size_t record) const;

  std::vector<std::unique_ptr<const RecordFile>> files_;
  std::vector<size_t> begins_ = {0};  // of each file's records, and all of them
};

}  // namespace distill
