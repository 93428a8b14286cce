// Files that are either whole or not there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace distill {

/// The whole content of a file. Throws DataError that names the path and the reason.
std::string read_file(const std::filesystem::path& path);

/// Writes under a temporary name in the same folder, one write after another, and `commit` syncs
/// and renames to the final name. A file that was never committed is removed. Throws DataError with
/// the path and the system's reason (a full disk, a folder that cannot be written).
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// AtomicFile in one call.
void write_file(const std::filesystem::path& path, std::string_view content);

/// Writes to standard output at once, not through std::cout's buffer. Throws DataError, such as
/// when nobody reads any more.
void write_standard_output(std::string_view text);

/// Makes the folder and its parents. Throws DataError.
void make_directories(const std::filesystem::path& path);

/// Makes the entries of a folder durable: to be called after a rename inside it.
void sync_directory(const std::filesystem::path& path);

/// Holds `path` (created when absent) under an exclusive lock until destroyed, and the lock dies
/// with the process. Throws DataError at once if another process holds it: it "is using this
/// `what`".
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path, const std::string& what = "folder");
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace distill
