// The fused loss, a cluster of blocks a row, for compute capability 9.x. The cluster has the whole
// row pair in its shared memory, so that each logit is read from global memory once however many
// passes its divergence takes, and the gradient is written once. Clusters stay and take every n-th
// row: the next row is on its way while this row's gradient is computed. There are neither atomics
// nor sums in an order that depends on time.
#pragma once

#include "ops/cuda/fused_loss_slice.cuh"

namespace distill::cuda {

/// Of the row that the slice holds. Each chunk is refilled from row `next`, if that is a row.
template <Divergence D, class T>
__device__ void write_gradient(const RowLoss<D, T>& loss, const Slice<T>& slice,
                               const RowOf<T>& row, float weight, const RowOf<T>& next,
                               bool has_next) {
  constexpr int kWidth = Piece<T>::kWidth;
  const GradientFactors factors = loss.gradient_factors(weight);
  const auto target = static_cast<int>(row.target()),
             size = static_cast<int>(row.rows.student_size);
  for (int chunk = 0; chunk < slice.chunks(); ++chunk) {
    slice.wait(chunk);
    const int i = slice.column(chunk);
    if (i < size) {
      const Piece<T> s = slice.student_piece(chunk);
      Piece<T> t = {};
      if (D != Divergence::kNone && i < slice.common()) t = slice.teacher_piece(chunk);
      const Piece<T> gradient = loss.gradient(s, t, factors, slice.common() - i, target - i);
      if (i >= 0 && size - i >= kWidth) {
        gradient.store(row.student() + i);
      } else {
        gradient.store(row.student() + i, -i, size - i);
      }
    }
    __syncthreads();
    if (has_next) slice.begin_copy(next, chunk);
  }
}

template <Divergence D, class T>
__device__ void compute_rows(const LossRows& rows, int row_count, const SliceShape& shape,
                             const Settings& settings) {
  const auto cluster = static_cast<int>(blockIdx.x / kClusterBlocks);
  const auto clusters = static_cast<int>(gridDim.x / kClusterBlocks);
  const int thread = static_cast<int>(block_in_cluster() * kClusterThreads + threadIdx.x);
  const auto row_at = [&](int r) {
    return RowOf<T>{rows, r, thread, kClusterBlocks * kClusterThreads};
  };
  const auto next_labelled = [&](int r) {
    while (r < row_count && !row_at(r).has_label()) r += clusters;
    return r;
  };
  for (int r = cluster; r < row_count; r += clusters) {
    if (!row_at(r).has_label()) row_at(r).settle();
  }
  Slice<T> slice(rows, shape, settings.inverse_temperature);
  cluster_sync();
  int r = next_labelled(cluster);
  for (int chunk = 0; r < row_count && chunk < slice.chunks(); ++chunk) {
    slice.begin_copy(row_at(r), chunk);
  }
  while (r < row_count) {
    const RowOf<T> row = row_at(r);
    r = next_labelled(r + clusters);
    slice.enter(row);
    const RowLoss<D, T> loss(settings, slice);
    const auto target = static_cast<int>(row.target());
    if (threadIdx.x == 0 && slice.holds(target)) {
      row.report(settings.cross_entropy ? loss.cross_entropy(slice.logit(target)) : 0,
                 loss.divergence());
    }
    const float weight = row.weight();
    if (rows.want_gradient && weight != 0) {
      write_gradient(loss, slice, row, row.scaled(weight), row_at(r), r < row_count);
      continue;
    }
    row.fill_gradient(0);  // 0 * inf is no gradient
    for (int chunk = 0; chunk < slice.chunks(); ++chunk) slice.wait(chunk);
    __syncthreads();
    for (int chunk = 0; r < row_count && chunk < slice.chunks(); ++chunk) {
      slice.begin_copy(row_at(r), chunk);
    }
  }
}

/// A grid of clusters of kClusterBlocks blocks, with memory_of_block(shape) of shared memory each.
template <Divergence D, class T>
__global__ void __launch_bounds__(kClusterThreads, 2)
    fused_loss_of_clusters(LossRows rows, int row_count, SliceShape shape, Settings settings) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ / 100 == 9
  compute_rows<D, T>(rows, row_count, shape, settings);
#endif
}

}  // namespace distill::cuda
