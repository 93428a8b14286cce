// Content hashes: XXH3-128, for keys and identity checks. Not cryptographic.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace distill {

/// 128 bits that stand for a content.
struct ContentKey {
  uint64_t high = 0;
  uint64_t low = 0;

  std::string hex() const;  ///< 32 lower-case hexadecimal digits
  auto operator<=>(const ContentKey&) const = default;
};

/// Hash of bytes that come in pieces.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  Hasher& add(const void* data, size_t bytes);
  /// A text with its length, so that {"ab", "c"} and {"a", "bc"} differ.
  Hasher& add(std::string_view text);
  Hasher& add(int64_t value) { return add(&value, sizeof value); }
  ContentKey key() const;

 private:
  void* state_;
};

ContentKey hash_bytes(const void* data, size_t bytes);
ContentKey hash_text(std::string_view text);
/// Throws DataError if the file cannot be read.
ContentKey hash_file(const std::filesystem::path& path);

}  // namespace distill
