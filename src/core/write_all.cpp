#include "core/write_all.h"

#include <unistd.h>

#include <cerrno>

namespace distill {

bool write_all(int descriptor, const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor, from, bytes);
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    from += written;
    bytes -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace distill
