#include "distill/core/hash.h"

#include <xxhash.h>

#include <cstdio>
#include <fstream>
#include <vector>

#include "distill/core/error.h"

namespace distill {
namespace {

ContentKey to_key(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }
XXH3_state_t* as_state(void* state) { return static_cast<XXH3_state_t*>(state); }

}  // namespace

std::string ContentKey::hex() const {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return text;
}

Hasher::Hasher() : state_(XXH3_createState()) { XXH3_128bits_reset(as_state(state_)); }
Hasher::~Hasher() { XXH3_freeState(as_state(state_)); }

Hasher& Hasher::add(const void* data, size_t bytes) {
  XXH3_128bits_update(as_state(state_), data, bytes);
  return *this;
}

Hasher& Hasher::add(std::string_view text) {
  return add(static_cast<int64_t>(text.size())).add(text.data(), text.size());
}

ContentKey Hasher::key() const { return to_key(XXH3_128bits_digest(as_state(state_))); }

ContentKey hash_bytes(const void* data, size_t bytes) { return to_key(XXH3_128bits(data, bytes)); }
ContentKey hash_text(std::string_view text) { return hash_bytes(text.data(), text.size()); }

ContentKey hash_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw DataError(path.string() + ": cannot be opened");
  Hasher hasher;
  std::vector<char> buffer(1 << 20);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hasher.add(buffer.data(), static_cast<size_t>(file.gcount()));
  }
  if (!file.eof()) throw DataError(path.string() + ": cannot be read");
  return hasher.key();
}

}  // namespace distill
