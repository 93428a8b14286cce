// Runs a CUDA kernel of one-dimensional blocks on the CPU, so that its logic is tested where there
// is no GPU: define the test's threads as fibers, then include the kernel. A warp runs as far as it
// can before another one does, and is passed over now and then: nothing but barriers holds warps
// together. The blocks of a cluster run together, clusters one after the other. Threads that wait
// in vain end the program. Not emulated: the device's arithmetic (exp2f and logf are the C
// library's) and its memory model.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <vector>

// As quiet as nvcc.
#pragma GCC diagnostic ignored "-Wsign-conversion"

#define __host__
#define __device__
#define __global__
#define __shared__ static  // of kernels whose blocks run one after the other
#define __launch_bounds__(...)

struct uint4 {
  unsigned x, y, z, w;
};
struct float2 {
  float x, y;
};

namespace distill::emulation {

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "CUDA emulation: %s\n", what);
  std::abort();
}

struct Shape {
  unsigned blocks, threads;
  unsigned cluster_blocks = 1;
  size_t block_memory = 0;  // bytes
};

/// The blocks that run at the same time.
class Cluster {
 public:
  /// Runs `body` once a thread.
  static void launch(const Shape& shape, const std::function<void()>& body) {
    if (shape.blocks % shape.cluster_blocks != 0) fail("the grid is no multiple of the cluster");
    for (unsigned i = 0; i < shape.blocks; i += shape.cluster_blocks) Cluster(shape, i, body).run();
  }

  static Cluster& current() { return *current_; }
  unsigned thread() const { return running_ % shape_.threads; }
  unsigned rank() const { return running_ / shape_.threads; }
  unsigned block() const { return first_block_ + rank(); }
  unsigned blocks() const { return shape_.blocks; }

  std::byte* memory(unsigned rank) { return memory_.data() + rank * memory_size(); }
  size_t memory_size() const { return (shape_.block_memory + 63) / 64 * 64; }

  void meet_warp() { meet(warps_[running_ / 32], 32); }
  void meet_block() { meet(blocks_[rank()], shape_.threads); }
  void meet_cluster() { meet(all_, static_cast<unsigned>(fibers_.size())); }

  float exchange(float x, int distance) {
    // Two sets in turn: a thread may be at the next exchange before another has read this one.
    const unsigned self = running_;
    float* shared = exchanged_.data() + fibers_[self].parity * fibers_.size();
    fibers_[self].parity ^= 1;
    shared[self] = x;
    meet_warp();
    return shared[self ^ static_cast<unsigned>(distance)];
  }

  /// Lives as long as the cluster.
  template <class X>
  X* make() {
    const auto made = std::make_shared<X>();
    kept_.push_back(made);
    return made.get();
  }

  /// Lets the others run until `ready()`.
  template <class Ready>
  void wait_until(const Ready& ready) {
    if (ready()) return;
    Fiber& self = fibers_[running_];
    self.awaited = &ready;
    self.is_ready = [](const void* awaited) { return (*static_cast<const Ready*>(awaited))(); };
    if (_setjmp(self.state) == 0) _longjmp(scheduler_, 1);
    self.awaited = nullptr;
  }

 private:
  static constexpr size_t kStack = 64 << 10;
  static constexpr unsigned kMostIdle = 100;  // rounds, in each of which half of the warps may run

  struct Meeting {
    unsigned arrived = 0, count = 0;
  };
  struct Fiber {
    jmp_buf state;
    const void* awaited = nullptr;
    bool (*is_ready)(const void*) = nullptr;
    size_t parity = 0;
    bool begun = false, done = false;

    bool can_run() const { return !done && (awaited == nullptr || is_ready(awaited)); }
  };

  Cluster(const Shape& shape, unsigned first_block, const std::function<void()>& body)
      : shape_(shape),
        first_block_(first_block),
        body_(body),
        fibers_(shape.threads * shape.cluster_blocks),
        exchanged_(2 * fibers_.size()),
        warps_(fibers_.size() / 32),
        blocks_(shape.cluster_blocks),
        memory_(shape.cluster_blocks * memory_size(), std::byte{0xff}) {
    while (stacks_.size() < fibers_.size()) stacks_.emplace_back(new std::byte[kStack]);
  }

  void run() {
    current_ = this;
    unsigned random = 1, idle = 0;
    std::vector<unsigned> warps(warps_.size());
    std::iota(warps.begin(), warps.end(), 0u);
    while (!warps.empty()) {
      ++idle;
      std::erase_if(warps, [&](unsigned warp) {
        random = random * 1664525 + 1013904223;
        if (random >> 31 != 0) return false;
        unsigned done = 0;
        while (run_warp(warp, done)) idle = 0;  // its stacks are in the cache
        return done == 32;
      });
      if (idle == kMostIdle) fail("threads wait for each other");
    }
  }

  /// Whether one of its threads could run.
  bool run_warp(unsigned warp, unsigned& done) {
    bool any = false;
    done = 0;
    for (running_ = warp * 32; running_ < warp * 32 + 32; ++running_) {
      Fiber& fiber = fibers_[running_];
      if (fiber.can_run()) {
        resume(fiber);
        any = true;
      }
      done += fiber.done;
    }
    return any;
  }

  void meet(Meeting& meeting, unsigned size) {
    if (++meeting.arrived < size) {
      wait_until([&meeting, seen = meeting.count] { return meeting.count != seen; });
    } else {
      meeting.arrived = 0;
      ++meeting.count;
    }
  }

  // makecontext gives a fiber its stack; from then on jumps are faster than swapcontext, which asks
  // the kernel for the signal mask.
  void resume(Fiber& fiber) {
    if (_setjmp(scheduler_) != 0) return;
    if (fiber.begun) _longjmp(fiber.state, 1);
    fiber.begun = true;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = stacks_[running_].get();
    context.uc_stack.ss_size = kStack;
    context.uc_link = nullptr;
    makecontext(&context, begin, 0);
    setcontext(&context);
  }

  static void begin() {
    Cluster& cluster = current();
    cluster.body_();
    cluster.fibers_[cluster.running_].done = true;
    _longjmp(cluster.scheduler_, 1);
  }

  static inline Cluster* current_ = nullptr;
  static inline std::vector<std::unique_ptr<std::byte[]>> stacks_;  // kept for the next cluster
  const Shape shape_;
  const unsigned first_block_;
  std::function<void()> body_;
  std::vector<Fiber> fibers_;
  std::vector<float> exchanged_;
  std::vector<Meeting> warps_, blocks_;
  Meeting all_;
  std::vector<std::byte> memory_;
  std::vector<std::shared_ptr<void>> kept_;
  unsigned running_ = 0;
  jmp_buf scheduler_;
};

/// threadIdx and its like, whose x is a value that changes between two looks.
template <unsigned (Cluster::*kValue)() const>
struct Index {
  struct {
    operator unsigned() const { return (Cluster::current().*kValue)(); }
  } x;
};

}  // namespace distill::emulation

inline distill::emulation::Index<&distill::emulation::Cluster::thread> threadIdx;
inline distill::emulation::Index<&distill::emulation::Cluster::block> blockIdx;
inline distill::emulation::Index<&distill::emulation::Cluster::blocks> gridDim;

inline void __syncthreads() { distill::emulation::Cluster::current().meet_block(); }
inline float __shfl_xor_sync(unsigned, float x, int distance) {
  return distill::emulation::Cluster::current().exchange(x, distance);
}
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline void __stcs(uint4* to, uint4 x) { *to = x; }
