// ops/cuda/cluster.cuh on the CPU. What a copy writes is NaN from its beginning until a thread
// waits for the turn that it belongs to, and is read only then: who waits for too little, or lets a
// copy begin over what others still read, gets NaN. Bytes and alignments are checked.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "cuda_emulation.h"

namespace distill::emulation {

/// What a barrier of the device knows.
class Turns {
 public:
  ~Turns() {
    if (expected_ != kNone || pending_ != 0) fail("a turn that nobody waited for");
  }

  void expect(size_t bytes) {
    if (expected_ != kNone) fail("a turn began before anybody waited for the last one");
    expected_ = bytes;
  }

  /// `value`: what is copied, where it is not to be read from `from` later.
  void add(std::byte* to, const void* from, size_t bytes, std::vector<std::byte> value = {}) {
    if (expected_ == pending_) fail("a turn began before anybody waited for the last one");
    std::memset(to, 0xff, bytes);
    copies_.push_back({to, from, bytes, std::move(value)});
    pending_ += bytes;
    if (expected_ != kNone && pending_ > expected_) fail("more bytes than the turn expects");
  }

  bool has_ended(unsigned odd) {
    end_if_due();
    return ended_ % 2 != odd;
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  struct Copy {
    std::byte* to;
    const void* from;
    size_t bytes;
    std::vector<std::byte> value;
  };

  void end_if_due() {
    if (expected_ != pending_) return;
    for (const Copy& copy : copies_) {
      std::memcpy(copy.to, copy.value.empty() ? copy.from : copy.value.data(), copy.bytes);
    }
    copies_.clear();
    pending_ = 0;
    expected_ = kNone;
    ++ended_;
  }

  size_t expected_ = kNone, pending_ = 0;
  unsigned ended_ = 0;
  std::vector<Copy> copies_;
};

}  // namespace distill::emulation

namespace distill::cuda {

inline unsigned block_in_cluster() { return emulation::Cluster::current().rank(); }
inline unsigned char* block_memory() {
  emulation::Cluster& cluster = emulation::Cluster::current();
  return reinterpret_cast<unsigned char*>(cluster.memory(cluster.rank()));
}
inline void cluster_sync() { emulation::Cluster::current().meet_cluster(); }
inline void hand_over_to_copies() {}

struct ByteBarrier {
  emulation::Turns* turns;

  void initialize() { turns = emulation::Cluster::current().make<emulation::Turns>(); }
  static void publish() {}

  void expect(unsigned bytes) { turns->expect(bytes); }

  void copy(void* to, const void* global, unsigned bytes) {
    for (const uintptr_t x :
         {reinterpret_cast<uintptr_t>(to), reinterpret_cast<uintptr_t>(global), uintptr_t{bytes}}) {
      if (x % 16 != 0) emulation::fail("a bulk copy that is not aligned");
    }
    turns->add(inside_block(to, bytes), global, bytes);
  }

  template <class X>
  void send(unsigned block, X* place, const X& value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    const auto in_other = [&](std::byte* own) {
      emulation::Cluster& cluster = emulation::Cluster::current();
      return own - cluster.memory(cluster.rank()) + cluster.memory(block);
    };
    auto* barrier = reinterpret_cast<ByteBarrier*>(in_other(inside_block(this, sizeof(*this))));
    barrier->turns->add(in_other(inside_block(place, sizeof(X))), nullptr, sizeof(X),
                        {bytes, bytes + sizeof(X)});
  }

  void wait(unsigned odd) const {
    emulation::Cluster::current().wait_until([this, odd] { return turns->has_ended(odd); });
  }

  void wait_for_blocks(unsigned odd) const { wait(odd); }

 private:
  static std::byte* inside_block(void* place, size_t bytes) {
    emulation::Cluster& cluster = emulation::Cluster::current();
    auto* begin = static_cast<std::byte*>(place);
    const ptrdiff_t offset = begin - cluster.memory(cluster.rank());
    if (offset < 0 || static_cast<size_t>(offset) + bytes > cluster.memory_size()) {
      emulation::fail("a place outside the block's memory");
    }
    return begin;
  }
};

}  // namespace distill::cuda
