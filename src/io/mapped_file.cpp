#include "distill/io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "distill/core/error.h"

namespace distill {

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
