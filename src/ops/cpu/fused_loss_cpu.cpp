#include "ops/cpu/fused_loss_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include "ops/cpu/loss_block.h"

namespace distill {
namespace {

constexpr int64_t kIgnoredTarget = -100;

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
