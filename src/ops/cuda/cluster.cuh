// What blocks of a cluster share, and copies into shared memory that run beside the threads, in
// PTX: compute capability 9.x only. Such copies, in bulk from global memory or a value from another
// block, are counted in bytes by a barrier in the shared memory that they write; who waits for it
// sees them, without a fence that would have to wait for the gradients on their way to memory.
//
// Shared memory that threads wrote is handed over to bulk copies by a fence of its own and a
// barrier of the block; what they only read, by the latter. The tests' emulation has the same
// functions.
#pragma once

#if defined(__CUDACC__)

#include <cstdint>
#include <cstring>

namespace distill::cuda {

__device__ inline unsigned block_in_cluster() {
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

__device__ inline unsigned char* block_memory() {
  extern __shared__ uint4 memory[];
  return reinterpret_cast<unsigned char*>(memory);
}

/// Waits for all threads of the cluster, whose writes are seen from then on.
__device__ inline void cluster_sync() {
  asm volatile(
      "barrier.cluster.arrive.release;\n"
      "barrier.cluster.wait.acquire;" ::
          : "memory");
}

__device__ inline unsigned shared_address(const void* place) {
  return static_cast<unsigned>(__cvta_generic_to_shared(place));
}

/// Ends a turn when `expect` has been called once and as many bytes have come, earlier or later.
/// Turns are numbered from 0.
struct ByteBarrier {
  unsigned long long state;

  __device__ void initialize() {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(&state)) : "memory");
  }

  /// After `initialize` of all of a thread's barriers; then the cluster has to meet.
  __device__ static void publish() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }

  __device__ void expect(unsigned bytes) {
    const unsigned own = shared_address(&state);
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(own), "r"(bytes)
                 : "memory");
  }

  /// Addresses and size are multiples of 16.
  __device__ void copy(void* to, const void* global, unsigned bytes) {
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
            "r"(shared_address(to)),
        "l"(__cvta_generic_to_global(global)), "r"(bytes), "r"(shared_address(&state))
        : "memory");
  }

  /// Writes to this place in the shared memory of another block, whose barrier counts it.
  template <class X>
  __device__ void send(unsigned block, X* place, const X& value) {
    unsigned long long words[sizeof(X) / 8];
    memcpy(words, &value, sizeof(X));
    unsigned to, counter;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(to) : "r"(shared_address(place)), "r"(block));
    asm("mapa.shared::cluster.u32 %0, %1, %2;"
        : "=r"(counter)
        : "r"(shared_address(&state)), "r"(block));
    _Pragma("unroll") for (unsigned i = 0; i < sizeof(X) / 8; ++i) {
      asm volatile(
          "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b64 [%0], %1, [%2];" ::"r"(
              to + 8 * i),
          "l"(words[i]), "r"(counter)
          : "memory");
    }
  }

  /// Until a turn of bulk copies has ended; `odd`: the last bit of its number. The next one has
  /// not.
  __device__ void wait(unsigned odd) const {
    asm volatile(
        "{\n"
        ".reg .pred ended;\n"
        "again:\n"
        "mbarrier.try_wait.parity.acquire.cta.shared::cta.b64 ended, [%0], %1;\n"
        "@!ended bra again;\n"
        "}" ::"r"(shared_address(&state)),
        "r"(odd)
        : "memory");
  }

  /// The same of values sent by other blocks.
  __device__ void wait_for_blocks(unsigned odd) const {
    asm volatile(
        "{\n"
        ".reg .pred ended;\n"
        "again:\n"
        "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 ended, [%0], %1;\n"
        "@!ended bra again;\n"
        "}" ::"r"(shared_address(&state)),
        "r"(odd)
        : "memory");
  }
};

__device__ inline void hand_over_to_copies() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

}  // namespace distill::cuda

#endif
