// The fused loss, a block of threads a row, on any GPU and any row. Each pass reads the row from
// global memory. The last one walks backwards: what the gathering read last is still in the second
// cache, and the gradient is stored past it.
#pragma once

#include "ops/cuda/fused_loss_row.cuh"

namespace distill::cuda {

constexpr int kBlockThreads = 1024;

/// A row pair in global memory, as the threads of a block walk it.
template <class T>
class BlockParts {
  using Pieces = Piece<T>;
  static constexpr int kWidth = Pieces::kWidth;
  static constexpr int kStride = kBlockThreads * kWidth;
  static constexpr int kWarps = kBlockThreads / 32;

 public:
  /// `memory`: shared, for a RowSums a warp.
  __device__ BlockParts(const LossRows& rows, const RowOf<T>& row, float inverse_temperature,
                        void* memory)
      : student_(row.student()),
        teacher_(row.teacher()),
        size_(rows.student_size),
        common_(rows.student_size < rows.teacher_size ? rows.student_size : rows.teacher_size),
        inverse_temperature_(inverse_temperature),
        memory_(memory) {}

  __device__ int64_t common() const { return common_; }
  __device__ int64_t size() const { return size_; }

  template <class X>
  __device__ X total(const X& own) const {
    return added(over_warps(own, memory_, inverse_temperature_), kWarps, inverse_temperature_);
  }

  template <class Body>
  __device__ void for_each_pair(const Body& body) const {
    for (int64_t i = first_column(); i < common_; i += kStride) {
      body(load(student_, i, common_, aligned_student_),
           load(teacher_, i, common_, aligned_teacher_));
    }
  }

  template <class Body>
  __device__ void for_each_student(int64_t begin, const Body& body) const {
    for (int64_t i = begin / kStride * kStride + first_column(); i < size_; i += kStride) {
      Pieces s = load(student_, i, size_, aligned_student_);
      if (i < begin) s.keep(begin - i < kWidth ? static_cast<int>(begin - i) : kWidth, kWidth);
      body(s);
    }
  }

  template <Divergence D>
  __device__ void write_gradient(const RowLoss<D, T>& loss, float weight, int64_t target) const {
    const GradientFactors factors = loss.gradient_factors(weight);
    for (int64_t i = last_column(); i >= 0; i -= kStride) {
      const Pieces s = load(student_, i, size_, aligned_student_);
      Pieces t = {};
      if (D != Divergence::kNone && i < common_) t = load(teacher_, i, common_, aligned_teacher_);
      const Pieces gradient = loss.gradient(s, t, factors, common_ - i, target - i);
      if (aligned_student_ && size_ - i >= kWidth) {
        gradient.store(student_ + i);
      } else {
        gradient.store(student_ + i, 0, columns(i, size_));
      }
    }
  }

 private:
  __device__ static int64_t first_column() { return static_cast<int64_t>(threadIdx.x) * kWidth; }
  /// The thread's last piece of the row, or a negative number.
  __device__ int64_t last_column() const {
    if (first_column() >= size_) return -1;
    return first_column() + (size_ - 1 - first_column()) / kStride * kStride;
  }
  __device__ static int columns(int64_t begin, int64_t size) {
    return size - begin < kWidth ? static_cast<int>(size - begin) : kWidth;
  }
  __device__ static Pieces load(const T* row, int64_t i, int64_t size, bool aligned) {
    const int count = columns(i, size);
    return aligned && count == kWidth ? Pieces::load(row + i) : Pieces::load(row + i, count);
  }
  template <class Pointer>
  __device__ static bool is_aligned(Pointer z) {
    return reinterpret_cast<uintptr_t>(z) % 16 == 0;
  }

  T* student_;
  const T* teacher_;
  int64_t size_, common_;
  float inverse_temperature_;
  void* memory_;
  bool aligned_student_ = is_aligned(student_), aligned_teacher_ = is_aligned(teacher_);
};

template <Divergence D, class T>
__global__ void __launch_bounds__(kBlockThreads)
    fused_loss_of_blocks(LossRows rows, Settings settings) {
  alignas(RowSums) __shared__ unsigned char memory[kBlockThreads / 32 * sizeof(RowSums)];
  const RowOf<T> row{rows, static_cast<int>(blockIdx.x), static_cast<int>(threadIdx.x),
                     kBlockThreads};
  if (!row.has_label()) return row.settle();
  const int64_t target = row.target();
  const BlockParts<T> parts(rows, row, settings.inverse_temperature, memory);
  const RowLoss<D, T> loss(settings, parts);
  if (threadIdx.x == 0) {
    row.report(settings.cross_entropy ? loss.cross_entropy(to_float(row.student()[target])) : 0,
               loss.divergence());
  }
  if (!rows.want_gradient) return;
  __syncthreads();  // the target's logit has been read
  const float weight = row.weight();
  if (weight == 0) {
    row.fill_gradient(0);  // 0 * inf is no gradient
  } else {
    parts.write_gradient(loss, row.scaled(weight), target);
  }
}

}  // namespace distill::cuda
