// A file mapped read-only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace distill {

/// What tells, without reading it, that a file is the same.
struct FileStamp {
  uint64_t size = 0;
  uint64_t inode = 0;
  int64_t modified = 0;  ///< ns
  int64_t changed = 0;   ///< ns
  bool operator==(const FileStamp&) const = default;
};

/// Throws DataError that names the path and the reason.
FileStamp stamp_of(const std::filesystem::path& file);

struct MappedFile {
  std::shared_ptr<const void> data;  ///< the mapping lives as long as its holders; null when empty
  size_t size = 0;
  std::filesystem::path path;
  FileStamp stamp;  ///< when it was mapped

  /// Lets the pages of [begin, end) leave this process's memory, up to whole ones at both ends.
  /// They are read again when they are touched.
  void release(size_t begin, size_t end) const;
  void release() const { release(0, size); }
  /// Hint: of what will be touched here and there, not a whole huge page (2 MB) shall come at a
  /// time.
  void expect_small_reads() const;

  std::string_view text() const { return {static_cast<const char*>(data.get()), size}; }
};

/// Throws DataError that names the path and the reason.
MappedFile map_file(const std::filesystem::path& path);

}  // namespace distill
