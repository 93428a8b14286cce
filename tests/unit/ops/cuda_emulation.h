// Runs a CUDA kernel of one-dimensional blocks on the CPU, so that its logic is tested where there
// is no GPU: define the test's threads as fibers, then include the kernel. Every thread of a block
// runs to its next barrier or shuffle before any goes on, which is what these promise. Not
// emulated: the device's arithmetic (exp2f and logf are the C library's) and its memory model.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

// As quiet as nvcc.
#pragma GCC diagnostic ignored "-Wsign-conversion"

#define __host__
#define __device__
#define __global__
#define __shared__ static
#define __launch_bounds__(threads)

struct uint4 {
  unsigned x, y, z, w;
};
struct float2 {
  float x, y;
};

namespace distill::emulation {

struct Index {
  unsigned x = 0;
};

class Block {
 public:
  /// Runs `body` once a thread, for each block of the grid in turn.
  static void launch(unsigned blocks, unsigned threads, const std::function<void()>& body) {
    for (unsigned i = 0; i < blocks; ++i) Block(threads, body).run(i);
  }

  static void wait() { current->yield(); }

  static float exchange(float x, int distance) {
    Block& block = *current;
    const unsigned self = thread;
    // Two sets in turn: a thread may be at the next exchange before another has read this one.
    float* shared = block.exchanged_.data() + block.fibers_[self].parity * block.fibers_.size();
    block.fibers_[self].parity ^= 1;
    shared[self] = x;
    block.yield();
    return shared[self ^ static_cast<unsigned>(distance)];
  }

  static inline unsigned thread = 0, block = 0;

 private:
  static constexpr size_t kStack = 64 << 10;

  struct Fiber {
    std::unique_ptr<std::byte[]> stack;
    jmp_buf state;
    size_t parity = 0;
    bool begun = false, done = false;
  };

  Block(unsigned threads, const std::function<void()>& body)
      : body_(body), fibers_(threads), exchanged_(2 * threads) {}

  void run(unsigned index) {
    current = this;
    block = index;
    for (bool all_done = false; !all_done;) {
      all_done = true;
      for (thread = 0; thread < fibers_.size(); ++thread) {
        if (!fibers_[thread].done) resume(fibers_[thread]);
        all_done = all_done && fibers_[thread].done;
      }
    }
  }

  // makecontext gives a fiber its stack; from then on jumps are faster than swapcontext, which asks
  // the kernel for the signal mask.
  void resume(Fiber& fiber) {
    if (_setjmp(scheduler_) != 0) return;
    if (fiber.begun) _longjmp(fiber.state, 1);
    fiber.begun = true;
    fiber.stack.reset(new std::byte[kStack]);
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber.stack.get();
    context.uc_stack.ss_size = kStack;
    context.uc_link = nullptr;
    makecontext(&context, begin, 0);
    setcontext(&context);
  }

  void yield() {
    if (_setjmp(fibers_[thread].state) == 0) _longjmp(scheduler_, 1);
  }

  static void begin() {
    current->body_();
    current->fibers_[thread].done = true;
    _longjmp(current->scheduler_, 1);
  }

  static inline Block* current = nullptr;
  std::function<void()> body_;
  std::vector<Fiber> fibers_;
  std::vector<float> exchanged_;
  jmp_buf scheduler_;
};

/// threadIdx and blockIdx, whose x is a value that changes between two looks.
struct ThreadIndex {
  struct {
    operator unsigned() const { return Block::thread; }
  } x;
};
struct BlockIndex {
  struct {
    operator unsigned() const { return Block::block; }
  } x;
};

}  // namespace distill::emulation

inline distill::emulation::ThreadIndex threadIdx;
inline distill::emulation::BlockIndex blockIdx;

inline void __syncthreads() { distill::emulation::Block::wait(); }
inline float __shfl_xor_sync(unsigned, float x, int distance) {
  return distill::emulation::Block::exchange(x, distance);
}
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline void __stcs(uint4* to, uint4 x) { *to = x; }
