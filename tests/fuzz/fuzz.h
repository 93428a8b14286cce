// What the fuzz targets share. An input may be refused with a DataError; anything else that it
// causes is a finding.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "distill/core/error.h"

namespace distill::fuzz {

inline std::string_view bytes_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the run where a property does not hold.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", property);
  std::abort();
}

/// Whether `work` ended without refusing its input.
template <typename Work>
bool accepts(Work&& work) {
  try {
    work();
    return true;
  } catch (const DataError& error) {
    require(*error.what() != '\0', "an error has a message");
    return false;
  }
}

/// An input up to its first zero byte, and what follows that.
struct TwoParts {
  explicit TwoParts(std::string_view input)
      : first(input.substr(0, input.find('\0'))), second(input.substr(first.size())) {
    if (!second.empty()) second.remove_prefix(1);
  }
  std::string_view first, second;
};

/// A file in memory, for what reads from a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : descriptor_(::memfd_create("input", 0)) {
    const auto size = static_cast<ssize_t>(content.size());
    if (descriptor_ < 0 || ::write(descriptor_, content.data(), content.size()) != size) {
      std::perror("fuzz: memfd");
      std::exit(2);
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace distill::fuzz
