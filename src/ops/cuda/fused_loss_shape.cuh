// How a cluster's blocks share a row, and what each has in shared memory. The shape is the same for
// all rows of a launch, however each is aligned: there is room for a ragged piece at both ends.
#pragma once

#include "ops/cuda/cluster.cuh"
#include "ops/cuda/fused_loss_sums.cuh"
#include "ops/loss_rows.h"

namespace distill::cuda {

constexpr int kClusterBlocks = 8;     // as many as every device of 9.x promises
constexpr int kClusterThreads = 512;  // two blocks of 64 registers a thread fill a multiprocessor
constexpr int kMostChunks = 28;

/// How much of each row a block of a cluster holds.
struct SliceShape {
  int pieces, chunks;
  bool taught;

  template <class T>
  static SliceShape of(const LossRows& rows) {
    constexpr int64_t kWidth = Piece<T>::kWidth;
    const int64_t in_row = (rows.student_size + 2 * (kWidth - 1)) / kWidth;  // where ends stick out
    const auto pieces = static_cast<int>((in_row + kClusterBlocks - 1) / kClusterBlocks);
    return {.pieces = pieces,
            .chunks = (pieces + kClusterThreads - 1) / kClusterThreads,
            .taught = rows.teacher != nullptr};
  }
};

/// At the beginning of a block's shared memory; the student's pieces follow, then the teacher's.
struct alignas(16) SliceHead {
  alignas(16) unsigned char of_blocks[2][kClusterBlocks * sizeof(RowSums)];
  alignas(16) unsigned char of_warps[kClusterThreads / 32 * sizeof(RowSums)];
  ByteBarrier given[2], copied[kMostChunks];
};

inline int64_t memory_of_block(const SliceShape& shape) {
  return static_cast<int64_t>(sizeof(SliceHead)) + (shape.taught ? 32 : 16) * int64_t{shape.pieces};
}

}  // namespace distill::cuda
