// A file mapped read-only.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

namespace distill {

struct MappedFile {
  std::shared_ptr<const void> data;  ///< the mapping lives as long as its holders; null when empty
  size_t size = 0;

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
