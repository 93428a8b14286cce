#include "ops/cpu/fused_loss_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <limits>

#include "ops/cpu/kernel.h"
#include "ops/loss_formula.h"

namespace distill {
namespace {

using formula::Element;

constexpr int64_t kBlock = 512;
constexpr int64_t kIgnoredTarget = -100;

/// A piece of a pair of rows, see formula::Element, and the gradient that becomes of it.
template <class A>
struct Buffers {
  A exp_s[kBlock], exp_t[kBlock], gap[kBlock], gradient[kBlock];
};

/// A piece's length and its columns.
template <class A>
struct Block {
  int64_t size;
  A *exp_s, *exp_t, *gap, *gradient;

  DISTILL_INLINE Element<A> operator[](int64_t i) const { return {exp_s[i], exp_t[i], gap[i]}; }
};

/// What `fill` subtracts and divides by.
template <class A>
struct Tempering {
  A max_s, max_t, inverse_temperature;
};

/// exponential() with a true zero for what has none in its range.
DISTILL_INLINE float exponential_or_zero(float x) {
  return exponential(x) * (x < -87.0f ? 0.0f : 1.0f);
}
DISTILL_INLINE double exponential_or_zero(double x) { return std::exp(x); }

template <class T, class A = Arithmetic<T>>
DISTILL_MULTIVERSION A largest(const T* z, int64_t n) {
  A most = -std::numeric_limits<A>::infinity();
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < n; ++i) most = std::max(most, load(z[i]));
  return most;
}

template <class T, class A>
DISTILL_MULTIVERSION void fill_exponentials(const T* student, const T* teacher, Tempering<A> by,
                                            Block<A> out) {
#pragma omp simd
  for (int64_t i = 0; i < out.size; ++i) {
    out.exp_s[i] = exponential_or_zero((load(student[i]) - by.max_s) * by.inverse_temperature);
  }
#pragma omp simd
  for (int64_t i = 0; i < out.size; ++i) {
    out.exp_t[i] = exponential_or_zero((load(teacher[i]) - by.max_t) * by.inverse_temperature);
  }
}

template <class T, class A>
DISTILL_MULTIVERSION void fill_gaps(const T* student, const T* teacher, formula::Centre<A> centre,
                                    Block<A> out) {
#pragma omp simd
  for (int64_t i = 0; i < out.size; ++i) {
    out.gap[i] = formula::centred_gap(load(student[i]), load(teacher[i]), centre);
  }
}

/// Sums over the common prefix; the blocks' are added in double.
struct Sums {
  double exp_s = 0, exp_t = 0, forward = 0, reverse = 0;
};

template <class A>
DISTILL_MULTIVERSION void add_exponentials(Block<A> block, Sums& sums) {
  A exp_s = 0, exp_t = 0;
#pragma omp simd reduction(+ : exp_s, exp_t)
  for (int64_t i = 0; i < block.size; ++i) {
    exp_s += block.exp_s[i];
    exp_t += block.exp_t[i];
  }
  sums.exp_s += static_cast<double>(exp_s);
  sums.exp_t += static_cast<double>(exp_t);
}

template <class A>
DISTILL_MULTIVERSION void add_moments(Block<A> block, Sums& sums) {
  A forward = 0, reverse = 0;
#pragma omp simd reduction(+ : forward, reverse)
  for (int64_t i = 0; i < block.size; ++i) {
    forward += formula::forward_moment(block[i]);
    reverse += formula::reverse_moment(block[i]);
  }
  sums.forward += static_cast<double>(forward);
  sums.reverse += static_cast<double>(reverse);
}

/// The divergence's share of the block, and what its gradient subtracts.
struct Middle {
  double loss = 0, inner = 0;
};

template <Divergence D, class A>
DISTILL_MULTIVERSION void add_shares(Block<A> block, formula::Row<A> row, Middle& sums) {
  const auto log = [](A x) __attribute__((always_inline)) { return logarithm(x); };
  A loss = 0, inner = 0;
#pragma omp simd reduction(+ : loss, inner)
  for (int64_t i = 0; i < block.size; ++i) {
    const auto x = formula::probabilities(Element<A>{block.exp_s[i], block.exp_t[i], A{0}}, row);
    loss += formula::share<D>(x, row.ratio, log);
    inner += x.p * formula::derivative<D>(x, row.ratio, log);
  }
  sums.loss += static_cast<double>(loss);
  sums.inner += static_cast<double>(inner);
}

template <Divergence D, class A>
DISTILL_MULTIVERSION void divergence_gradient(Block<A> block, formula::Row<A> row, A scale) {
  const auto log = [](A x) __attribute__((always_inline)) { return logarithm(x); };
#pragma omp simd
  for (int64_t i = 0; i < block.size; ++i) {
    block.gradient[i] = scale * formula::gradient<D>(block[i], row, log);
  }
}

/// How exp(z - max z) follows from exp((z - max z) / T), without an exponential of its own.
enum class HardLoss { kNone, kSame, kSquare, kFourth, kOwn };

/// One of three is 1, the others 0: which power, without a branch in the loop.
template <class A>
struct Power {
  A first, second, fourth;

  explicit Power(HardLoss how)
      : first(how == HardLoss::kSame ? 1 : 0),
        second(how == HardLoss::kSquare ? 1 : 0),
        fourth(how == HardLoss::kFourth ? 1 : 0) {}
  DISTILL_INLINE A of(A soft) const {
    const A square = soft * soft;
    return first * soft + second * square + fourth * (square * square);
  }
};

template <class A>
DISTILL_MULTIVERSION double hard_sum(Block<A> block, Power<A> power) {
  A sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < block.size; ++i) sum += power.of(block.exp_s[i]);
  return static_cast<double>(sum);
}

template <class A>
DISTILL_MULTIVERSION void add_hard_gradient(Block<A> block, Power<A> power, A scale) {
#pragma omp simd
  for (int64_t i = 0; i < block.size; ++i) {
    block.gradient[i] += scale * power.of(block.exp_s[i]);
  }
}

/// The same straight from the logits.
template <class T, class A>
DISTILL_MULTIVERSION double hard_sum(const T* z, int64_t n, A max) {
  A sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += exponential_or_zero(load(z[i]) - max);
  return static_cast<double>(sum);
}

template <class T, class A>
DISTILL_MULTIVERSION void add_hard_gradient(const T* z, int64_t n, A max, A scale, A* gradient) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) gradient[i] += scale * exponential_or_zero(load(z[i]) - max);
}

template <class T, class A>
DISTILL_MULTIVERSION void store_all(const A* from, int64_t n, T* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) store(to[i], from[i]);
}

/// mse_logits: the sum of squared differences and the count of columns that neither model masks.
template <class T, class A = Arithmetic<T>>
DISTILL_MULTIVERSION void add_squares(const T* student, const T* teacher, int64_t n, Sums& sums) {
  constexpr A kMasked = -std::numeric_limits<A>::infinity();
  A squares = 0, count = 0;
#pragma omp simd reduction(+ : squares, count)
  for (int64_t i = 0; i < n; ++i) {
    const A s = load(student[i]), t = load(teacher[i]);
    const bool masked = s == kMasked || t == kMasked;
    squares += masked ? A{0} : (s - t) * (s - t);
    count += masked ? A{0} : A{1};
  }
  sums.forward += static_cast<double>(squares);
  sums.reverse += static_cast<double>(count);
}

template <class T, class A>
DISTILL_MULTIVERSION void square_gradient(const T* student, const T* teacher, int64_t n, A scale,
                                          A* gradient) {
  constexpr A kMasked = -std::numeric_limits<A>::infinity();
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const A s = load(student[i]), t = load(teacher[i]);
    gradient[i] = s == kMasked || t == kMasked ? A{0} : scale * (s - t);
  }
}

/// One row, its statistics and what is written back.
template <Divergence D, class T>
class RowKernel {
  using A = Arithmetic<T>;
  static constexpr bool kTempered = D != Divergence::kNone && D != Divergence::kMseLogits;

 public:
  RowKernel(const FusedLoss& loss, T* student, int64_t student_size, const T* teacher,
            int64_t teacher_size, int64_t target)
      : loss_(loss), student_(student), teacher_(teacher), target_(target), size_(student_size) {
    common_ = D == Divergence::kNone ? 0 : std::min(student_size, teacher_size);
    const A in_common = largest(student, common_);
    max_ = std::max(in_common, largest(student + common_, size_ - common_));
    by_ = {in_common, largest(teacher, common_), static_cast<A>(1.0 / loss.temperature)};
    row_.ratio = static_cast<A>(loss.ratio);
    row_.temperature = static_cast<A>(loss.temperature);
    hard_ = how_to_harden(in_common);
    centre_ = formula::make_centre<A>(gap_of_maxima());
    gather();
  }

  double cross_entropy() const {
    return std::log(hard_sum_) + static_cast<double>(max_) -
           static_cast<double>(load(student_[target_]));
  }
  double divergence() const { return divergence_; }

  void write_gradient(A weight) {
    const A hard = weight * static_cast<A>(loss_.cross_entropy_scale / hard_sum_);
    const A soft = weight * static_cast<A>(loss_.divergence_scale);
    const A at_target = weight * static_cast<A>(loss_.cross_entropy_scale);
    for (int64_t begin = 0; begin < size_;) {
      const bool shared = begin < common_;
      block_.size = std::min(kBlock, (shared ? common_ : size_) - begin);
      T* student = student_ + begin;
      if (shared) {
        divergence_part(begin, soft);
      } else {
        std::fill_n(block_.gradient, block_.size, A{0});
      }
      if (shared && hard_ != HardLoss::kNone && hard_ != HardLoss::kOwn) {
        add_hard_gradient(block_, Power<A>(hard_), hard);
      } else if (hard_ != HardLoss::kNone) {
        add_hard_gradient(student, block_.size, max_, hard, block_.gradient);
      }
      if (hard_ != HardLoss::kNone && target_ >= begin && target_ < begin + block_.size) {
        block_.gradient[target_ - begin] -= at_target;
      }
      store_all(block_.gradient, block_.size, student);
      begin += block_.size;
    }
  }

 private:
  double gap_of_maxima() const {
    return static_cast<double>(by_.max_s) - static_cast<double>(by_.max_t);
  }

  HardLoss how_to_harden(A max_in_common) const {
    if (!loss_.cross_entropy) return HardLoss::kNone;
    if (!kTempered || max_in_common != max_) return HardLoss::kOwn;
    if (loss_.temperature == 1.0) return HardLoss::kSame;
    if (loss_.temperature == 2.0) return HardLoss::kSquare;
    return loss_.temperature == 4.0 ? HardLoss::kFourth : HardLoss::kOwn;
  }

  template <class Body>
  void for_each_block(const Body& body) {
    for (int64_t begin = 0; begin < common_; begin += kBlock) {
      block_.size = std::min(kBlock, common_ - begin);
      body(begin);
    }
  }

  void fill(int64_t begin) {
    fill_exponentials(student_ + begin, teacher_ + begin, by_, block_);
    if constexpr (formula::uses_gap(D)) {
      fill_gaps(student_ + begin, teacher_ + begin, centre_, block_);
    }
  }

  void gather() {
    Sums sums;
    for_each_block([&](int64_t begin) {
      if constexpr (D == Divergence::kMseLogits) {
        add_squares(student_ + begin, teacher_ + begin, block_.size, sums);
      } else {
        fill(begin);
        add_exponentials(block_, sums);
        if constexpr (formula::uses_gap(D)) add_moments(block_, sums);
        if (hard_ != HardLoss::kNone && hard_ != HardLoss::kOwn) {
          hard_sum_ += hard_sum(block_, Power<A>(hard_));
        }
      }
    });
    if (hard_ != HardLoss::kNone) {
      const int64_t from = hard_ == HardLoss::kOwn ? 0 : common_;
      for (int64_t begin = from; begin < size_; begin += kBlock) {
        hard_sum_ += hard_sum(student_ + begin, std::min(kBlock, size_ - begin), max_);
      }
    }
    if constexpr (D == Divergence::kMseLogits) {
      squares_count_ = sums.reverse;
      divergence_ = sums.reverse > 0 ? sums.forward / sums.reverse : 0.0;
    } else if constexpr (kTempered) {
      finish(sums);
    }
  }

  void finish(const Sums& sums) {
    const double log_ratio = std::log(sums.exp_s) - std::log(sums.exp_t);
    row_.inverse_s = static_cast<A>(1.0 / sums.exp_s);
    row_.inverse_t = static_cast<A>(1.0 / sums.exp_t);
    row_.sum_ratio = static_cast<A>(sums.exp_s / sums.exp_t);
    const double temperature = loss_.temperature;
    const double forward = sums.forward / sums.exp_t / temperature + log_ratio;
    const double reverse = sums.reverse / sums.exp_s / temperature - log_ratio;
    centre_ = formula::make_centre<A>(gap_of_maxima() + temperature * (log_ratio + reverse));
    if constexpr (D == Divergence::kForwardKl) {
      divergence_ = forward;
    } else if constexpr (D == Divergence::kReverseKl) {
      divergence_ = reverse;
    } else if constexpr (D == Divergence::kSymmetricKl) {
      divergence_ = loss_.ratio * forward + (1.0 - loss_.ratio) * reverse;
    } else {
      Middle middle;
      for_each_block([&](int64_t begin) {
        fill(begin);
        add_shares<D>(block_, row_, middle);
      });
      divergence_ = middle.loss;
      row_.inner = static_cast<A>(middle.inner);
    }
    divergence_ *= temperature * temperature;
  }

  void divergence_part(int64_t begin, A scale) {
    if constexpr (D == Divergence::kMseLogits) {
      const A factor = squares_count_ > 0 ? scale * static_cast<A>(2.0 / squares_count_) : A{0};
      square_gradient(student_ + begin, teacher_ + begin, block_.size, factor, block_.gradient);
    } else if constexpr (kTempered) {
      fill(begin);
      divergence_gradient<D>(block_, row_, scale);
    }
  }

  const FusedLoss& loss_;
  T* student_;
  const T* teacher_;
  int64_t target_, size_, common_ = 0;
  A max_ = 0;  // of the student's whole row
  Tempering<A> by_{};
  HardLoss hard_ = HardLoss::kNone;
  formula::Row<A> row_{};
  formula::Centre<A> centre_;
  double hard_sum_ = 0, divergence_ = 0, squares_count_ = 0;
  Buffers<A> buffers_;
  Block<A> block_{0, buffers_.exp_s, buffers_.exp_t, buffers_.gap, buffers_.gradient};
};

template <Divergence D, class T>
void run(const FusedRows& rows, const FusedLoss& loss, bool want_gradient,
         const FusedRowLosses& out) {
  using A = Arithmetic<T>;
  const at::Tensor& student = rows.student;
  const bool taught = rows.teacher.defined();
  T* z_s = student.mutable_data_ptr<T>();
  const T* z_t = taught ? rows.teacher.const_data_ptr<T>() : nullptr;
  const int64_t stride_s = student.stride(0), stride_t = taught ? rows.teacher.stride(0) : 0;
  const int64_t size_s = student.size(1), size_t_ = taught ? rows.teacher.size(1) : 0;
  const auto* targets = rows.targets.const_data_ptr<int64_t>();
  const float* weights = rows.weights.defined() ? rows.weights.const_data_ptr<float>() : nullptr;
  A* hard = out.cross_entropy.defined() ? out.cross_entropy.mutable_data_ptr<A>() : nullptr;
  A* soft = out.divergence.defined() ? out.divergence.mutable_data_ptr<A>() : nullptr;
  at::parallel_for(0, student.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      T* row = z_s + r * stride_s;
      if (targets[r] == kIgnoredTarget) {
        if (want_gradient) std::fill_n(row, size_s, T(0));
        continue;
      }
      RowKernel<D, T> kernel(loss, row, size_s, taught ? z_t + r * stride_t : nullptr, size_t_,
                             targets[r]);
      if (hard != nullptr) hard[r] = static_cast<A>(kernel.cross_entropy());
      if (soft != nullptr) soft[r] = static_cast<A>(kernel.divergence());
      if (want_gradient) {
        kernel.write_gradient(weights != nullptr ? static_cast<A>(weights[r]) : A{1});
      }
    }
  });
}

template <class T>
void run_any(const FusedRows& rows, const FusedLoss& loss, bool want_gradient,
             const FusedRowLosses& out) {
  const auto with = [&]<Divergence D>() { run<D, T>(rows, loss, want_gradient, out); };
  switch (loss.divergence) {
    case Divergence::kNone:
      return with.template operator()<Divergence::kNone>();
    case Divergence::kForwardKl:
      return with.template operator()<Divergence::kForwardKl>();
    case Divergence::kReverseKl:
      return with.template operator()<Divergence::kReverseKl>();
    case Divergence::kSymmetricKl:
      return with.template operator()<Divergence::kSymmetricKl>();
    case Divergence::kJsd:
      return with.template operator()<Divergence::kJsd>();
    case Divergence::kSkewedForwardKl:
      return with.template operator()<Divergence::kSkewedForwardKl>();
    case Divergence::kSkewedReverseKl:
      return with.template operator()<Divergence::kSkewedReverseKl>();
    case Divergence::kTotalVariation:
      return with.template operator()<Divergence::kTotalVariation>();
    case Divergence::kMseLogits:
      return with.template operator()<Divergence::kMseLogits>();
  }
}

}  // namespace

FusedRowLosses fused_loss_cpu(const FusedRows& rows, const FusedLoss& loss, bool want_gradient) {
  const at::ScalarType sums = rows.student.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const auto losses = [&] { return at::zeros({rows.student.size(0)}, at::TensorOptions(sums)); };
  FusedRowLosses out;
  if (loss.cross_entropy) out.cross_entropy = losses();
  if (loss.divergence != Divergence::kNone) out.divergence = losses();
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, rows.student.scalar_type(), "fused_loss_cpu",
                                 [&] { run_any<scalar_t>(rows, loss, want_gradient, out); });
  return out;
}

}  // namespace distill
