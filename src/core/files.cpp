#include "distill/core/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/write_all.h"
#include "distill/core/error.h"

namespace distill {
namespace {

std::string reason() { return std::strerror(errno); }

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw DataError(path.string() + ": cannot be opened: " + reason());
  std::string content;
  char buffer[1 << 16];
  ssize_t got = 0;
  while ((got = ::read(descriptor, buffer, sizeof buffer)) > 0) {
    content.append(buffer, static_cast<size_t>(got));
  }
  const std::string why = reason();
  ::close(descriptor);
  if (got < 0) throw DataError(path.string() + ": cannot be read: " + why);
  return content;
}

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(path_.string() + ".tmp" + std::to_string(::getpid())) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t bytes) {
  if (!write_all(descriptor_, data, bytes)) fail("cannot be written");
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("cannot be synced");
  if (::close(descriptor_) != 0) {
    descriptor_ = -1;
    ::unlink(temporary_.c_str());
    fail("cannot be closed");
  }
  descriptor_ = -1;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int why = errno;
    ::unlink(temporary_.c_str());
    errno = why;
    fail("cannot be renamed into place");
  }
}

void AtomicFile::fail(const char* what) const {
  throw DataError(path_.string() + ": " + what + ": " + reason());
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void write_standard_output(std::string_view text) {
  if (write_all(STDOUT_FILENO, text.data(), text.size())) return;
  throw DataError("standard output: cannot be written: " + reason());
}

void make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw DataError(path.string() + ": the folder cannot be made: " + error.message());
}

void sync_directory(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw DataError(path.string() + ": cannot be opened: " + reason());
  const int result = ::fsync(descriptor);
  const std::string why = reason();
  ::close(descriptor);
  if (result != 0) throw DataError(path.string() + ": cannot be synced: " + why);
}

FileLock::FileLock(const std::filesystem::path& path, const std::string& what) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw DataError(path.string() + ": cannot be opened: " + reason());
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    const std::string why = reason();
    ::close(descriptor_);
    throw DataError(path.string() + (held ? ": another process is using this " + what
                                          : ": cannot be locked: " + why));
  }
}

FileLock::~FileLock() { ::close(descriptor_); }

}  // namespace distill
