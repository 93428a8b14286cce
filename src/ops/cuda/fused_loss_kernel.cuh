// The fused loss, a block of threads a row. Each thread gathers sums of its own columns relative to
// the maxima it has met, rescaled when a greater one comes; then warps and the block add them up in
// a fixed order, without atomics. The last pass walks the row backwards: what the gathering read
// last is still in the second cache, and the gradient is stored past it.
//
// No launch and no header of CUDA, so that a test can run it with threads of its own.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>

#include "ops/loss_formula.h"
#include "ops/loss_rows.h"

#if defined(__CUDACC__)
#define DISTILL_UNROLL _Pragma("unroll")
#else
#define DISTILL_UNROLL
#endif

namespace distill::cuda {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / 32;
constexpr unsigned kAllLanes = 0xffffffff;

struct Bfloat16Bits {
  unsigned short bits;
};

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(Bfloat16Bits x) {
  return __uint_as_float(static_cast<unsigned>(x.bits) << 16);
}
__device__ inline void put(float& to, float x) { to = x; }
/// Rounds to nearest even. The NaNs of arithmetic stay NaN.
__device__ inline void put(Bfloat16Bits& to, float x) {
  const unsigned bits = __float_as_uint(x);
  to.bits = static_cast<unsigned short>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

struct Exp {
  __host__ __device__ float operator()(float x) const { return exp2f(x * 1.44269504f); }
};
struct Log {
  __host__ __device__ float operator()(float x) const { return logf(x); }
};

/// The columns that a thread works on at a time: 16 bytes of a row.
template <class T>
struct Piece {
  static constexpr int kWidth = 16 / sizeof(T);
  float values[kWidth];

  /// With `aligned`, `z` lies on 16 bytes and the piece is whole; else columns from `count` on are
  /// masked.
  __device__ static Piece load(const T* z, int count, bool aligned) {
    Piece piece;
    if (aligned) {
      const uint4 bits = *reinterpret_cast<const uint4*>(z);
      const T* elements = reinterpret_cast<const T*>(&bits);
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) piece.values[j] = to_float(elements[j]);
    } else {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) piece.values[j] = j < count ? to_float(z[j]) : -INFINITY;
    }
    return piece;
  }

  /// Past the caches: nobody reads it before the whole chunk of rows is done.
  __device__ void store(T* z, int count, bool aligned) const {
    if (aligned) {
      uint4 bits;
      T* elements = reinterpret_cast<T*>(&bits);
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) put(elements[j], values[j]);
      __stcs(reinterpret_cast<uint4*>(z), bits);
    } else {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        if (j < count) put(z[j], values[j]);
      }
    }
  }

  __device__ float greatest() const {
    float most = values[0];
    DISTILL_UNROLL
    for (int j = 1; j < kWidth; ++j) most = fmaxf(most, values[j]);
    return most;
  }
};

/// sum exp(z - max): of the labels' softmax.
struct HardSum {
  float max = -FLT_MAX, sum = 0;

  __device__ void add(float other_max, float other_sum) {
    const float most = fmaxf(max, other_max);
    sum = sum * Exp{}(max - most) + other_sum * Exp{}(other_max - most);
    max = most;
  }
};

struct RowSums {
  formula::Statistics<float> common{-FLT_MAX, -FLT_MAX};
  HardSum hard;
};

__device__ inline float exchanged(float x, int distance) {
  return __shfl_xor_sync(kAllLanes, x, distance);
}

__device__ inline RowSums added(const RowSums& x, const RowSums& y, float inverse_temperature) {
  RowSums sum;
  sum.common = formula::merged(x.common, y.common, inverse_temperature, Exp{});
  sum.hard = x.hard;
  sum.hard.add(y.hard.max, y.hard.sum);
  return sum;
}

/// `add` of all threads' values, known to all of them. `x` needs `exchange(x, distance)`.
template <class X, class Add, class Exchange>
__device__ X over_block(X x, const Add& add, const Exchange& exchange) {
  alignas(X) __shared__ unsigned char memory[kWarps * sizeof(X)];
  X* of_warp = reinterpret_cast<X*>(memory);
  for (int distance = 16; distance > 0; distance /= 2) x = add(x, exchange(x, distance));
  __syncthreads();  // an earlier call's values have been read
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = x;
  __syncthreads();
  X sum = of_warp[0];
  for (int warp = 1; warp < kWarps; ++warp) sum = add(sum, of_warp[warp]);
  return sum;
}

__device__ inline RowSums exchanged(const RowSums& x, int distance) {
  RowSums other;
  other.common = {exchanged(x.common.max_s, distance),   exchanged(x.common.max_t, distance),
                  exchanged(x.common.exp_s, distance),   exchanged(x.common.exp_t, distance),
                  exchanged(x.common.forward, distance), exchanged(x.common.reverse, distance)};
  other.hard.max = exchanged(x.hard.max, distance);
  other.hard.sum = exchanged(x.hard.sum, distance);
  return other;
}

__device__ inline float2 exchanged(float2 x, int distance) {
  return {exchanged(x.x, distance), exchanged(x.y, distance)};
}

/// What the host knows, in fp32.
struct Settings {
  float temperature, inverse_temperature, factor;  // exp(z / T) = 2^(z factor)
  float ratio, divergence_scale, cross_entropy_scale;
  int squarings;  // exp(z) is exp(z / T) squared so often; -1: an exponential of its own
  bool cross_entropy;
};

inline Settings make_settings(const FusedLoss& loss) {
  const double t = loss.temperature;
  const auto narrow = [](double x) { return static_cast<float>(x); };
  return {.temperature = narrow(t),
          .inverse_temperature = narrow(1 / t),
          .factor = narrow(1.4426950408889634 / t),
          .ratio = narrow(loss.ratio),
          .divergence_scale = narrow(loss.divergence_scale),
          .cross_entropy_scale = narrow(loss.cross_entropy_scale),
          .squarings = t == 1   ? 0
                       : t == 2 ? 1
                       : t == 4 ? 2
                                : -1,
          .cross_entropy = loss.cross_entropy};
}

template <Divergence D, class T>
class RowKernel {
  using Pieces = Piece<T>;
  using Element = formula::Element<float>;
  static constexpr int kWidth = Pieces::kWidth;
  static constexpr int kStride = kThreads * kWidth;
  static constexpr bool kTempered = D != Divergence::kNone && D != Divergence::kMseLogits;

 public:
  __device__ RowKernel(const Settings& settings, T* student, int64_t student_size, const T* teacher,
                       int64_t teacher_size)
      : settings_(settings), student_(student), teacher_(teacher), size_(student_size) {
    if (D != Divergence::kNone) common_ = student_size < teacher_size ? student_size : teacher_size;
    if constexpr (D == Divergence::kMseLogits) gather_squares();
    gather_sums();
    if constexpr (formula::uses_mixture(D)) gather_shares();
  }

  __device__ float cross_entropy(int64_t target) const {
    return logf(sums_.hard.sum) + (sums_.hard.max - to_float(student_[target]));
  }

  __device__ float divergence() const {
    const float t = settings_.temperature, inverse_t = settings_.inverse_temperature;
    const float square = t * t;
    if constexpr (D == Divergence::kForwardKl) {
      return square * formula::forward_kl(sums_.common, inverse_t, Log{});
    } else if constexpr (D == Divergence::kReverseKl) {
      return square * formula::reverse_kl(sums_.common, inverse_t, Log{});
    } else if constexpr (D == Divergence::kSymmetricKl) {
      return square * (settings_.ratio * formula::forward_kl(sums_.common, inverse_t, Log{}) +
                       (1 - settings_.ratio) * formula::reverse_kl(sums_.common, inverse_t, Log{}));
    } else if constexpr (D == Divergence::kMseLogits) {
      return divergence_;
    } else {
      return square * divergence_;
    }
  }

  __device__ void write_gradient(float weight, int64_t target) {
    const float soft = weight * settings_.divergence_scale * gradient_factor_;
    const float hard = settings_.cross_entropy ? weight * settings_.cross_entropy_scale : 0.0f;
    const float own = hard / sums_.hard.sum;
    const float shared = own * Exp{}(sums_.common.max_s - sums_.hard.max);
    for (int64_t i = last_column(size_); i >= 0; i -= kStride) {
      const int count = columns_of_piece(i, size_);
      const bool aligned = aligned_student_ && count == kWidth;
      Pieces s = Pieces::load(student_ + i, count, aligned), t = {};
      if (D != Divergence::kNone && i < common_) {
        const int taught = columns_of_piece(i, common_);
        t = Pieces::load(teacher_ + i, taught, aligned_teacher_ && taught == kWidth);
      }
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        const float z = s.values[j];
        float gradient;
        if (kTempered && i + j < common_) {
          const Element e = element(z, t.values[j], sums_.common);
          gradient = soft * formula::gradient<D>(e, row_, Log{});
          if (settings_.cross_entropy) {
            gradient += shared * hardened(e.exp_s, z - sums_.common.max_s);
          }
        } else {
          gradient = settings_.cross_entropy ? own * Exp{}(z - sums_.hard.max) : 0.0f;
          if (D == Divergence::kMseLogits && i + j < common_) {
            gradient += soft * unmasked_difference(z, t.values[j]);
          }
        }
        s.values[j] = i + j == target ? gradient - hard : gradient;
      }
      s.store(student_ + i, count, aligned);
    }
  }

 private:
  __device__ static int64_t first_column() { return static_cast<int64_t>(threadIdx.x) * kWidth; }
  /// The thread's last piece of a row, or a negative number.
  __device__ static int64_t last_column(int64_t size) {
    if (first_column() >= size) return -1;
    return first_column() + (size - 1 - first_column()) / kStride * kStride;
  }
  __device__ static int columns_of_piece(int64_t begin, int64_t size) {
    return size - begin < kWidth ? static_cast<int>(size - begin) : kWidth;
  }
  template <class Pointer>
  __device__ static bool is_aligned(Pointer z) {
    return reinterpret_cast<uintptr_t>(z) % 16 == 0;
  }

  __device__ static float unmasked_difference(float s, float t) {
    return s == -INFINITY || t == -INFINITY ? 0.0f : s - t;
  }

  __device__ Element element(float s, float t, const formula::Statistics<float>& sums) const {
    s -= sums.max_s;
    t -= sums.max_t;
    return {exp2f(s * settings_.factor), exp2f(t * settings_.factor), s - t};
  }

  /// exp(s)
  __device__ float hardened(float exp_s, float s) const {
    if (settings_.squarings < 0) return Exp{}(s);
    if (settings_.squarings > 0) exp_s *= exp_s;
    if (settings_.squarings > 1) exp_s *= exp_s;
    return exp_s;
  }

  /// Calls body(student, teacher, first column) for the thread's pieces of the common columns.
  template <class Body>
  __device__ void for_each_pair(const Body& body) const {
    for (int64_t i = first_column(); i < common_; i += kStride) {
      const int count = columns_of_piece(i, common_);
      const bool whole = count == kWidth;
      body(Pieces::load(student_ + i, count, aligned_student_ && whole),
           Pieces::load(teacher_ + i, count, aligned_teacher_ && whole));
    }
  }

  __device__ void gather_sums() {
    RowSums own;
    if constexpr (kTempered) {
      float hard = 0;
      for_each_pair([&](const Pieces& s, const Pieces& t) { add_pair(s, t, own.common, hard); });
      own.hard.add(own.common.max_s, hard);
    }
    if (settings_.cross_entropy) gather_hard(own.hard);
    const float inverse_t = settings_.inverse_temperature;
    sums_ = over_block(
        own, [=](const RowSums& x, const RowSums& y) { return added(x, y, inverse_t); },
        [](const RowSums& x, int distance) { return exchanged(x, distance); });
    row_ = formula::make_row<float>(sums_.common, settings_.ratio, settings_.temperature);
  }

  __device__ void add_pair(const Pieces& s, const Pieces& t, formula::Statistics<float>& sums,
                           float& hard) const {
    const float max_s = fmaxf(sums.max_s, s.greatest()), max_t = fmaxf(sums.max_t, t.greatest());
    if (max_s > sums.max_s || max_t > sums.max_t) {
      hard *= Exp{}(sums.max_s - max_s);
      sums = formula::shifted(sums, max_s, max_t, settings_.inverse_temperature, Exp{});
    }
    DISTILL_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      const Element e = element(s.values[j], t.values[j], sums);
      sums.exp_s += e.exp_s;
      sums.exp_t += e.exp_t;
      if constexpr (formula::uses_forward_moment(D)) sums.forward += formula::forward_moment(e);
      if constexpr (formula::uses_reverse_moment(D)) sums.reverse += formula::reverse_moment(e);
      if (settings_.cross_entropy) hard += hardened(e.exp_s, s.values[j] - sums.max_s);
    }
  }

  /// The columns that only cross-entropy sees.
  __device__ void gather_hard(HardSum& hard) const {
    const int64_t begin = kTempered ? common_ : 0;
    const int64_t skipped = begin / kStride * kStride;
    for (int64_t i = skipped + first_column(); i < size_; i += kStride) {
      const int count = columns_of_piece(i, size_);
      Pieces s = Pieces::load(student_ + i, count, aligned_student_ && count == kWidth);
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        if (i + j < begin) s.values[j] = -INFINITY;
      }
      const float max = fmaxf(s.greatest(), -FLT_MAX);
      float sum = 0;
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) sum += Exp{}(s.values[j] - max);
      hard.add(max, sum);
    }
  }

  __device__ float2 summed(float2 own) const {
    return over_block(
        own,
        [](float2 x, float2 y) {
          return float2{x.x + y.x, x.y + y.y};
        },
        [](float2 x, int distance) { return exchanged(x, distance); });
  }

  __device__ void gather_shares() {
    float2 own = {0, 0};
    for_each_pair([&](const Pieces& s, const Pieces& t) {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        const auto x =
            formula::probabilities(element(s.values[j], t.values[j], sums_.common), row_);
        own.x += formula::share<D>(x, row_.ratio, Log{});
        own.y += x.p * formula::derivative<D>(x, row_.ratio, Log{});
      }
    });
    const float2 sums = summed(own);
    divergence_ = sums.x;
    row_.inner = sums.y;
  }

  __device__ void gather_squares() {
    float2 own = {0, 0};
    for_each_pair([&](const Pieces& s, const Pieces& t) {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        const float difference = unmasked_difference(s.values[j], t.values[j]);
        own.x += difference * difference;
        own.y += s.values[j] == -INFINITY || t.values[j] == -INFINITY ? 0.0f : 1.0f;
      }
    });
    const float2 sums = summed(own);
    divergence_ = sums.y > 0 ? sums.x / sums.y : 0.0f;
    gradient_factor_ = sums.y > 0 ? 2 / sums.y : 0.0f;
  }

  const Settings& settings_;
  T* student_;
  const T* teacher_;
  int64_t size_, common_ = 0;
  bool aligned_student_ = is_aligned(student_), aligned_teacher_ = is_aligned(teacher_);
  RowSums sums_;
  formula::Row<float> row_{};
  float divergence_ = 0, gradient_factor_ = 1;
};

template <class T>
__device__ void fill(T* row, int64_t size, float value) {
  for (int64_t i = threadIdx.x; i < size; i += kThreads) put(row[i], value);
}

template <Divergence D, class T>
__global__ void __launch_bounds__(kThreads) fused_loss_kernel(LossRows rows, Settings settings) {
  const int64_t r = blockIdx.x;
  T* student = static_cast<T*>(rows.student) + r * rows.student_stride;
  const T* teacher = static_cast<const T*>(rows.teacher);
  if (teacher != nullptr) teacher += r * rows.teacher_stride;
  float* hard = static_cast<float*>(rows.cross_entropy);
  float* soft = static_cast<float*>(rows.divergence);
  const auto report = [&](float cross_entropy, float divergence) {
    if (threadIdx.x != 0) return;
    if (hard != nullptr) hard[r] = cross_entropy;
    if (soft != nullptr) soft[r] = divergence;
  };
  const int64_t target = rows.targets[r];
  const float weight = rows.weights != nullptr ? rows.weights[r] : 1.0f;
  if (target == kIgnoredTarget) {
    report(0, 0);
    if (rows.want_gradient) fill(student, rows.student_size, 0);
    return;
  }
  if (target < 0 || target >= rows.student_size) {
    report(NAN, NAN);
    if (rows.want_gradient) fill(student, rows.student_size, NAN);
    return;
  }
  RowKernel<D, T> kernel(settings, student, rows.student_size, teacher, rows.teacher_size);
  report(settings.cross_entropy ? kernel.cross_entropy(target) : 0, kernel.divergence());
  if (!rows.want_gradient) return;
  __syncthreads();  // the target's logit has been read
  if (weight == 0) {
    fill(student, rows.student_size, 0);  // 0 * inf is no gradient
  } else {
    kernel.write_gradient(rows.scale != nullptr ? weight * *rows.scale : weight, target);
  }
}

}  // namespace distill::cuda
