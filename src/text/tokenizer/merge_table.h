// Pairs of tokens that merge: (left, right) -> (rank, merged token). Open addressing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace distill {

class MergeTable {
 public:
  struct Merge {
    uint64_t pair = kNone;
    uint32_t rank = 0;
    int32_t id = 0;
  };

  explicit MergeTable(size_t count) {
    while ((size_t{1} << bits_) * 3 / 4 < count) ++bits_;
    merges_.resize(size_t{1} << bits_);
  }

  /// At most `count` pairs; the last of equal ones stays.
  void put(int32_t left, int32_t right, uint32_t rank, int32_t id) {
    const uint64_t pair = pair_of(left, right);
    merges_[slot_of(pair)] = {pair, rank, id};
  }
  /// Null if the two do not merge.
  const Merge* find(int32_t left, int32_t right) const {
    const Merge& merge = merges_[slot_of(pair_of(left, right))];
    return merge.pair == kNone ? nullptr : &merge;
  }

 private:
  static constexpr uint64_t kNone = UINT64_MAX;

  static uint64_t pair_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  }
  size_t slot_of(uint64_t pair) const {
    const size_t mask = merges_.size() - 1;
    size_t slot = (pair * 0x9E3779B97F4A7C15u) >> (64 - bits_);  // Fibonacci hashing
    while (merges_[slot].pair != pair && merges_[slot].pair != kNone) slot = (slot + 1) & mask;
    return slot;
  }

  int bits_ = 4;
  std::vector<Merge> merges_;
};

}  // namespace distill
