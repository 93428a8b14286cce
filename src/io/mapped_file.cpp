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
  const auto failed = [&path](const char* what) {
    return DataError(path.string() + ": " + what + ": " + std::strerror(errno));
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw failed("cannot be opened");
  const std::shared_ptr<void> closer(nullptr, [descriptor](void*) { ::close(descriptor); });
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) throw failed("cannot be read");
  if (!S_ISREG(status.st_mode)) throw DataError(path.string() + ": not a file");
  MappedFile file;
  file.size = static_cast<size_t>(status.st_size);
  if (file.size == 0) return file;
  void* address = ::mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) throw failed("cannot be mapped");
  file.data = std::shared_ptr<const void>(
      address, [address, size = file.size](const void*) { ::munmap(address, size); });
  return file;
}

}  // namespace distill
