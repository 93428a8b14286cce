// A block's slice of a row pair in shared memory. Pieces are those of the student's row in global
// memory, cut where its addresses are multiples of 16, so that a row may begin anywhere; the
// teacher's lie at the same places. Whole pieces come by bulk copy; a row's two ends, and all of a
// teacher's row that is aligned otherwise than the student's, element by element. What is before or
// after a row is -inf there.
//
// A slice is cut into chunks of a piece a thread. A chunk that has been read for the last time is
// refilled from the next row while the block works on the others.
#pragma once

#include "ops/cuda/fused_loss_row.cuh"
#include "ops/cuda/fused_loss_shape.cuh"

namespace distill::cuda {

template <class T>
class Slice {
  using Pieces = Piece<T>;
  static constexpr int kWidth = Pieces::kWidth;

 public:
  /// Then the cluster has to meet.
  __device__ Slice(const LossRows& rows, const SliceShape& shape, float inverse_temperature)
      : shape_(shape),
        size_(static_cast<int>(rows.student_size)),
        common_(static_cast<int>(rows.student_size < rows.teacher_size ? rows.student_size
                                                                       : rows.teacher_size)),
        first_(static_cast<int>(block_in_cluster()) * shape.pieces),
        inverse_temperature_(inverse_temperature) {
    if (threadIdx.x != 0) return;
    for (ByteBarrier& given : head()->given) given.initialize();
    for (int chunk = 0; chunk < shape_.chunks; ++chunk) head()->copied[chunk].initialize();
    ByteBarrier::publish();
  }

  __device__ int common() const { return common_; }
  __device__ int chunks() const { return shape_.chunks; }

  /// What the chunk held must have been read, by all threads. For all of the block.
  __device__ void begin_copy(const RowOf<T>& row, int chunk) const {
    const int lead = lead_of(row.student());
    const Span s = span(row.student(), lead, size_, chunk);
    const Span t = shape_.taught ? span(row.teacher(), lead, common_, chunk) : Span{};
    if (threadIdx.x == 0) {
      ByteBarrier& copied = head()->copied[chunk];
      copied.expect(16u * static_cast<unsigned>(s.copied() + t.copied()));
      copy_whole(student(), row.student(), lead, s, copied);
      if (shape_.taught) copy_whole(teacher(), row.teacher(), lead, t, copied);
    }
    copy_others(student(), row.student(), lead, size_, s);
    if (shape_.taught) copy_others(teacher(), row.teacher(), lead, common_, t);
  }

  /// From now on the slice is one of this row, whose copies have all begun.
  __device__ void enter(const RowOf<T>& row) {
    lead_ = lead_of(row.student());
    odd_ ^= 1;
    __syncthreads();  // what was copied element by element is seen
  }

  __device__ void wait(int chunk) const { head()->copied[chunk].wait(odd_); }

  /// The thread's piece of a chunk, and the column that it begins with: negative at a row's ragged
  /// beginning, and past the row where the thread has none.
  __device__ int piece(int chunk) const {
    return chunk * kClusterThreads + static_cast<int>(threadIdx.x);
  }
  __device__ int column(int chunk) const {
    return piece(chunk) < shape_.pieces ? (first_ + piece(chunk)) * kWidth - lead_ : size_;
  }
  __device__ Pieces student_piece(int chunk) const {
    return Pieces::load(student() + piece(chunk) * kWidth);
  }
  __device__ Pieces teacher_piece(int chunk) const {
    return Pieces::load(teacher() + piece(chunk) * kWidth);
  }

  __device__ bool holds(int column) const {
    const int place = (column + lead_) / kWidth - first_;
    return 0 <= place && place < shape_.pieces;
  }
  /// Of a column that it holds.
  __device__ float logit(int column) const {
    const int place = column + lead_ - first_ * kWidth;
    wait(place / (kClusterThreads * kWidth));
    return to_float(student()[place]);
  }

  template <class Body>
  __device__ void for_each_pair(const Body& body) const {
    for (int chunk = 0; chunk < shape_.chunks; ++chunk) {
      wait(chunk);
      const int i = column(chunk);
      if (i >= common_) continue;
      Pieces s = student_piece(chunk);
      if (common_ - i < kWidth) s.keep(0, common_ - i);
      body(s, teacher_piece(chunk));
    }
  }

  template <class Body>
  __device__ void for_each_student(int begin, const Body& body) const {
    if (begin >= size_) return;
    for (int chunk = 0; chunk < shape_.chunks; ++chunk) {
      wait(chunk);
      const int i = column(chunk);
      if (i >= size_ || i + kWidth <= begin) continue;
      Pieces s = student_piece(chunk);
      if (i < begin) s.keep(begin - i, kWidth);
      body(s);
    }
  }

  /// Each block gives its sum to all, into one of two sets of places in turn: who gives the next
  /// but one has got the next of all others, which have then read this one.
  template <class X>
  __device__ X total(const X& own) const {
    const X* of_warps = over_warps(own, head()->of_warps, inverse_temperature_);
    const unsigned set = totals_ % 2, odd = totals_ / 2 % 2;
    ++totals_;
    X* of_blocks = reinterpret_cast<X*>(head()->of_blocks[set]);
    ByteBarrier& given = head()->given[set];
    if (threadIdx.x == 0) given.expect(kClusterBlocks * sizeof(X));
    if (threadIdx.x < kClusterBlocks) {
      given.send(threadIdx.x, of_blocks + block_in_cluster(),
                 added(of_warps, kClusterThreads / 32, inverse_temperature_));
    }
    given.wait_for_blocks(odd);
    return added(of_blocks, kClusterBlocks, inverse_temperature_);
  }

 private:
  /// Pieces of a row in a chunk, counted from the row's beginning: [begin, end), of which
  /// [whole_begin, whole_end) come by bulk copy.
  struct Span {
    int begin, end, whole_begin, whole_end;
    __device__ int copied() const { return whole_end - whole_begin; }
  };

  __device__ static int lead_of(const T* row) {
    return static_cast<int>(reinterpret_cast<uintptr_t>(row) % 16 / sizeof(T));
  }
  __device__ static int least(int x, int y) { return x < y ? x : y; }
  __device__ static int most(int x, int y) { return x > y ? x : y; }

  __device__ SliceHead* head() const { return reinterpret_cast<SliceHead*>(block_memory()); }
  __device__ T* student() const { return reinterpret_cast<T*>(block_memory() + sizeof(SliceHead)); }
  __device__ T* teacher() const { return student() + shape_.pieces * kWidth; }

  __device__ Span span(const T* row, int lead, int size, int chunk) const {
    const int begin = first_ + chunk * kClusterThreads;
    const int capacity = least(begin + kClusterThreads, first_ + shape_.pieces);
    const int end = most(begin, least(capacity, (lead + size + kWidth - 1) / kWidth));
    if (lead_of(row) != lead) return {begin, end, begin, begin};
    const int whole_begin = most(begin, lead > 0 ? 1 : 0);
    return {begin, end, whole_begin, most(whole_begin, least(end, (lead + size) / kWidth))};
  }

  __device__ void copy_whole(T* slice, const T* row, int lead, const Span& span,
                             ByteBarrier& copied) const {
    if (span.copied() == 0) return;
    copied.copy(slice + (span.whole_begin - first_) * kWidth,
                row + (span.whole_begin * kWidth - lead),
                16u * static_cast<unsigned>(span.copied()));
  }

  __device__ void copy_others(T* slice, const T* row, int lead, int size, const Span& span) const {
    const auto copy = [&](int begin, int end) {
      if (begin >= end) return;
      for (int i = begin * kWidth + static_cast<int>(threadIdx.x); i < end * kWidth;
           i += kClusterThreads) {
        T& place = slice[i - first_ * kWidth];
        if (lead <= i && i < lead + size) {
          place = row[i - lead];
        } else {
          put(place, -INFINITY);
        }
      }
      hand_over_to_copies();
    };
    copy(span.begin, span.whole_begin);
    copy(span.whole_end, span.end);
  }

  const SliceShape& shape_;
  int size_, common_, first_;
  float inverse_temperature_;
  int lead_ = 0;
  unsigned odd_ = 1;
  mutable unsigned totals_ = 0;
};

}  // namespace distill::cuda
