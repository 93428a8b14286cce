// Named random numbers that are the same on every machine. The standard library's distributions are
// not, so the few that are needed are here.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace distill {

/// A seed for one purpose ("shuffle", "init", ...) and one index out of the run's seed.
uint64_t derive_seed(uint64_t seed, std::string_view name, uint64_t index = 0);

/// SplitMix64 (Steele, Lea, Flood 2014): its whole state is one integer.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next();
  /// Uniform in [0, bound), without bias; bound > 0.
  uint64_t below(uint64_t bound);
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  uint64_t state() const { return state_; }

  /// Fisher-Yates.
  template <typename T>
  void shuffle(std::span<T> items) {
    for (size_t n = items.size(); n > 1; --n) std::swap(items[n - 1], items[below(n)]);
  }

 private:
  uint64_t state_;
};

}  // namespace distill
