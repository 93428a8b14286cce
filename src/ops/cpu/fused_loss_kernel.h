// The fused loss of a row on vectors V: a block's maxima are taken first, then its sums relative to
// them, which are added to the row's.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "ops/cpu/fused_loss_rows.h"
#include "ops/cpu/hard_sum.h"
#include "ops/cpu/row_blocks.h"
#include "ops/cpu/vector.h"
#include "ops/loss_formula.h"

namespace distill {

struct Exp {
  DISTILL_VECTOR double operator()(double x) const { return std::exp(x); }
};
struct Log {
  template <class V>
  DISTILL_VECTOR V operator()(V x) const {
    return logarithm(x);
  }
};

template <Divergence D, class T, class V>
class RowKernel {
  using S = ScalarOf<V>;
  using Element = formula::Element<V>;
  static constexpr bool kTempered = D != Divergence::kNone && D != Divergence::kMseLogits;
  static constexpr bool kTaught = D != Divergence::kNone;
  static constexpr double kLowest = static_cast<double>(std::numeric_limits<S>::lowest());

 public:
  /// Reads the rows; then the losses are known.
  RowKernel(const FusedLoss& loss, T* student, int64_t student_size, const T* teacher,
            int64_t teacher_size)
      : loss_(loss),
        student_(student),
        teacher_(teacher),
        size_(student_size),
        common_(kTaught ? std::min(student_size, teacher_size) : 0),
        blocks_(student, teacher, common_) {
    if constexpr (kTempered) gather_sums();
    if constexpr (D == Divergence::kMseLogits) gather_squares();
    if (loss.cross_entropy) gather_hard(kTempered ? common_ : 0);
  }

  double cross_entropy(int64_t target) const {
    return std::log(hard_.sum) + hard_.max - to_double(student_[target]);
  }
  double divergence() const { return divergence_; }

  void write_gradient(double weight, int64_t target) {
    const S soft = static_cast<S>(weight * loss_.divergence_scale * gradient_factor());
    const double hard = loss_.cross_entropy ? weight * loss_.cross_entropy_scale : 0.0;
    const S own = static_cast<S>(hard / hard_.sum);
    const S shared = static_cast<S>(hard / hard_.sum * std::exp(sums_.max_s - hard_.max));
    const auto in_common = [&](V s, V t) __attribute__((always_inline)) {
      V gradient;
      if constexpr (kTempered) {
        const Element e = element(s, t, max_s_, max_t_);
        gradient = soft * formula::gradient<D>(e, row_, Log{});
        if (loss_.cross_entropy) gradient += shared * hardening_(e.exp_s, s - max_s_, of_hard_);
      } else {
        gradient = soft * unmasked_difference(s, t);
        if (loss_.cross_entropy) gradient += own * exponential(s - hard_max_, of_hard_);
      }
      return gradient;
    };
    const auto beyond = [&](V s) __attribute__((always_inline)) {
      return own * exponential(s - hard_max_, of_hard_);
    };
    S at_target = static_cast<S>(-hard);
    if (hard != 0.0) {
      const V s = splat(student_[target]);
      if (target >= common_) {
        at_target += first_of(beyond(s));
      } else if constexpr (kTaught) {
        at_target += first_of(in_common(s, splat(teacher_[target])));
      }
    }
    if constexpr (kTaught) {
      blocks_.for_each_block(0, common_, [&](T* s, const T* t, int64_t n) {
        blocks_.for_each_vector(
            s, t, n, [&](int64_t i) __attribute__((always_inline)) {
              store(s + i, in_common(load<V>(s + i), load<V>(t + i)));
            });
      });
    }
    blocks_.for_each_block(common_, size_, [&](T* s, const T* t, int64_t n) {
      blocks_.for_each_vector(
          s, t, n, [&](int64_t i) __attribute__((always_inline)) {
            store(s + i, loss_.cross_entropy ? beyond(load<V>(s + i)) : V{});
          });
    });
    if (hard != 0.0) {
      const V all = V{} + at_target;
      T lanes[kLanes<V>];
      store(lanes, all);
      student_[target] = lanes[0];
    }
  }

 private:
  DISTILL_VECTOR Element element(V s, V t, S max_s, S max_t) const {
    s -= max_s;
    t -= max_t;
    return {exponential(s, of_soft_), exponential(t, of_soft_), s - t};
  }

  DISTILL_VECTOR static V unmasked_difference(V s, V t) {
    const V masked = V{} - std::numeric_limits<S>::infinity();
    const V difference = s - t;
    return s == masked ? V{} : t == masked ? V{} : difference;
  }

  DISTILL_VECTOR static S first_of(V x) {
    if constexpr (kLanes<V> == 1) {
      return x;
    } else {
      return x[0];
    }
  }

  DISTILL_VECTOR static V splat(T x) { return V{} + static_cast<S>(to_double(x)); }

  void gather_sums() {
    blocks_.for_each_block(0, common_, [&](const T* student, const T* teacher, int64_t n) {
      const auto [max_s, max_t] = blocks_.greatest(student, teacher, n);
      V exp_s{}, exp_t{}, forward{}, reverse{}, hard{};
      blocks_.for_each_vector(
          student, teacher, n, [&](int64_t i) __attribute__((always_inline)) {
            const V s = load<V>(student + i);
            const Element e = element(s, load<V>(teacher + i), max_s, max_t);
            exp_s += e.exp_s;
            exp_t += e.exp_t;
            if constexpr (formula::uses_forward_moment(D)) forward += formula::forward_moment(e);
            if constexpr (formula::uses_reverse_moment(D)) reverse += formula::reverse_moment(e);
            if (loss_.cross_entropy) hard += hardening_(e.exp_s, s - max_s, of_hard_);
          });
      sums_ = formula::merged(sums_,
                              {static_cast<double>(max_s), static_cast<double>(max_t),
                               sum_of(exp_s), sum_of(exp_t), sum_of(forward), sum_of(reverse)},
                              1 / loss_.temperature, Exp{});
      hard_.add(static_cast<double>(max_s), sum_of(hard));
    });
    max_s_ = static_cast<S>(sums_.max_s);
    max_t_ = static_cast<S>(sums_.max_t);
    row_ = formula::make_row<S>(sums_, loss_.ratio, loss_.temperature);
    divergence_ = loss_.temperature * loss_.temperature * untempered_divergence();
  }

  double untempered_divergence() {
    const double inverse_temperature = 1 / loss_.temperature;
    if constexpr (D == Divergence::kForwardKl) {
      return formula::forward_kl(sums_, inverse_temperature, Log{});
    } else if constexpr (D == Divergence::kReverseKl) {
      return formula::reverse_kl(sums_, inverse_temperature, Log{});
    } else if constexpr (D == Divergence::kSymmetricKl) {
      return loss_.ratio * formula::forward_kl(sums_, inverse_temperature, Log{}) +
             (1 - loss_.ratio) * formula::reverse_kl(sums_, inverse_temperature, Log{});
    } else {
      return gather_shares();
    }
  }

  double gather_shares() {
    double divergence = 0, mean = 0;
    blocks_.for_each_block(0, common_, [&](const T* student, const T* teacher, int64_t n) {
      V shares{}, inner{};
      blocks_.for_each_vector(
          student, teacher, n, [&](int64_t i) __attribute__((always_inline)) {
            const Element e = element(load<V>(student + i), load<V>(teacher + i), max_s_, max_t_);
            const auto x = formula::probabilities(e, row_);
            shares += formula::share<D>(x, row_.ratio, Log{});
            inner += x.p * formula::derivative<D>(x, row_.ratio, Log{});
          });
      divergence += sum_of(shares);
      mean += sum_of(inner);
    });
    row_.inner = static_cast<S>(mean);
    return divergence;
  }

  void gather_squares() {
    const V masked = V{} - std::numeric_limits<S>::infinity();
    double squares = 0;
    blocks_.for_each_block(0, common_, [&](const T* student, const T* teacher, int64_t n) {
      V sum{}, count{};
      blocks_.for_each_vector(
          student, teacher, n, [&](int64_t i) __attribute__((always_inline)) {
            const V s = load<V>(student + i), t = load<V>(teacher + i);
            const V difference = unmasked_difference(s, t);
            sum += difference * difference;
            const V one = V{} + S{1};
            count += s == masked ? V{} : t == masked ? V{} : one;
          });
      squares += sum_of(sum);
      unmasked_ += sum_of(count);
    });
    divergence_ = unmasked_ > 0 ? squares / unmasked_ : 0.0;
  }

  void gather_hard(int64_t begin) {
    blocks_.for_each_block(begin, size_, [&](const T* student, const T*, int64_t n) {
      const S max = blocks_.greatest(student, nullptr, n).first;
      V sum{};
      blocks_.for_each_vector(
          student, nullptr, n, [&](int64_t i) __attribute__((always_inline)) {
            sum += exponential(load<V>(student + i) - max, of_hard_);
          });
      hard_.add(static_cast<double>(max), sum_of(sum));
    });
    hard_max_ = static_cast<S>(hard_.max);
  }

  /// Of mse_logits: that of a mean of squares.
  double gradient_factor() const {
    if (D != Divergence::kMseLogits) return 1.0;
    return unmasked_ > 0 ? 2.0 / unmasked_ : 0.0;
  }

  const FusedLoss& loss_;
  T* student_;
  const T* teacher_;
  int64_t size_, common_;
  RowBlocks<T, V> blocks_;
  Exponent<S> of_soft_{loss_.temperature}, of_hard_{1.0};
  Hardening<V> hardening_{loss_.temperature};
  formula::Statistics<double> sums_{kLowest, kLowest};
  formula::Row<S> row_{};
  S max_s_ = 0, max_t_ = 0, hard_max_ = 0;
  HardSum<V> hard_;
  double divergence_ = 0, unmasked_ = 0;
};

template <Divergence D, class T, class V>
void loss_of_rows(const LossRows& rows, const FusedLoss& loss, int64_t begin, int64_t end) {
  using S = ScalarOf<V>;
  const double scale = rows.scale != nullptr ? static_cast<double>(*rows.scale) : 1.0;
  for (int64_t r = begin; r < end; ++r) {
    T* student = static_cast<T*>(rows.student) + r * rows.student_stride;
    const T* teacher = static_cast<const T*>(rows.teacher);
    if (teacher != nullptr) teacher += r * rows.teacher_stride;
    const int64_t target = rows.targets[r];
    const double weight = rows.weights != nullptr ? static_cast<double>(rows.weights[r]) : 1.0;
    const auto put = [r](void* to, double x) {
      if (to != nullptr) static_cast<S*>(to)[r] = static_cast<S>(x);
    };
    if (target == kIgnoredTarget) {
      put(rows.cross_entropy, 0);
      put(rows.divergence, 0);
    } else {
      RowKernel<D, T, V> kernel(loss, student, rows.student_size, teacher, rows.teacher_size);
      if (loss.cross_entropy) put(rows.cross_entropy, kernel.cross_entropy(target));
      if (D != Divergence::kNone) put(rows.divergence, kernel.divergence());
      if (rows.want_gradient && weight != 0.0) kernel.write_gradient(weight * scale, target);
    }
    // Without the losses' own infinities: 0 * inf is no gradient.
    if (rows.want_gradient && (target == kIgnoredTarget || weight == 0.0)) {
      std::fill_n(student, rows.student_size, T{});
    }
  }
}

template <class T, class V>
void loss_of_rows(const LossRows& rows, const FusedLoss& loss, int64_t begin, int64_t end) {
  formula::with_divergence(loss.divergence,
                           [&]<Divergence D>() { loss_of_rows<D, T, V>(rows, loss, begin, end); });
}

template <int64_t kBytes>
LossRowsFunctions loss_rows_functions(const char* name) {
  using V = typename VectorOf<float, kBytes / sizeof(float)>::Type;
  return {name, loss_of_rows<float, V>, loss_of_rows<Bfloat16Bits, V>};
}

}  // namespace distill
