#include "distill/core/random.h"

#include "distill/core/hash.h"

namespace distill {

uint64_t derive_seed(uint64_t seed, std::string_view name, uint64_t index) {
  return Hasher()
      .add(static_cast<int64_t>(seed))
      .add(name)
      .add(static_cast<int64_t>(index))
      .key()
      .low;
}

uint64_t Random::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t Random::below(uint64_t bound) {
  const uint64_t rejected = -bound % bound;  // 2^64 mod bound values would be drawn once too often
  uint64_t value = next();
  while (value < rejected) value = next();
  return value % bound;
}

double Random::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

}  // namespace distill
