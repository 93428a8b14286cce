#include "distill/io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "distill/core/error.h"

namespace distill {
namespace {

DataError failed(const std::filesystem::path& path, const char* what) {
  return DataError(path.string() + ": " + what + ": " + std::strerror(errno));
}

FileStamp to_stamp(const struct stat& status) {
  const auto nanoseconds = [](const timespec& time) {
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return {.size = static_cast<uint64_t>(status.st_size),
          .inode = status.st_ino,
          .modified = nanoseconds(status.st_mtim),
          .changed = nanoseconds(status.st_ctim)};
}

}  // namespace

FileStamp stamp_of(const std::filesystem::path& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0) throw failed(file, "cannot be read");
  return to_stamp(status);
}

void MappedFile::release(size_t begin, size_t end) const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t from = begin / page * page;
  const size_t to = std::min(end, size);
  if (from >= to) return;
  char* address = const_cast<char*>(static_cast<const char*>(data.get())) + from;
  ::madvise(address, to - from, MADV_DONTNEED);  // a hint: without it, the pages stay
}

void MappedFile::expect_small_reads() const {
  if (size > 0) ::madvise(const_cast<void*>(data.get()), size, MADV_NOHUGEPAGE);
}

MappedFile map_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw failed(path, "cannot be opened");
  const std::shared_ptr<void> closer(nullptr, [descriptor](void*) { ::close(descriptor); });
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) throw failed(path, "cannot be read");
  if (!S_ISREG(status.st_mode)) throw DataError(path.string() + ": not a file");
  MappedFile file;
  file.path = path;
  file.stamp = to_stamp(status);
  file.size = static_cast<size_t>(status.st_size);
  if (file.size == 0) return file;
  void* address = ::mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) throw failed(path, "cannot be mapped");
  file.data = std::shared_ptr<const void>(
      address, [address, size = file.size](const void*) { ::munmap(address, size); });
  return file;
}

}  // namespace distill
