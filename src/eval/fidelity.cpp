#include "distill/eval/fidelity.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "distill/core/error.h"
#include "distill/core/signals.h"

namespace distill {
namespace {

/// Sums over loss tokens, fp64, on the device until the end.
class Measurement {
 public:
  Measurement(LossStep& step, const MeasuredLoss& loss)
      : step_(step),
        loss_(loss),
        teacher_(step.teacher() != nullptr && step.teacher()->offers().logits) {
    terms_.push_back({student_nll_.get(), 1.0, false});
    if (teacher_) {
      terms_.push_back({forward_kl_.get(), 1.0, false});
      terms_.push_back({reverse_kl_.get(), 1.0, false});
    }
    own_terms_ = terms_.size();
    terms_.insert(terms_.end(), loss.terms.begin(), loss.terms.end());
    sums_.resize(terms_.size());
  }

  void add(const Batch& batch) {
    units_ += UnitCounts::of(batch);
    LossOptions options;
    if (teacher_) options.observer = [this](const LogitRows& chunk) { look_at(chunk); };
    const LossResult result = step_.add(batch, terms_, loss_.context, options);
    for (size_t i = 0; i < sums_.size(); ++i) accumulate(sums_[i], result.sums[i]);
  }

  Fidelity means() const {
    if (units_.loss_tokens == 0) throw DataError("evaluation: the data has no loss token");
    Fidelity fidelity;
    fidelity.tokens = units_.loss_tokens;
    fidelity.student_nll = mean(sums_[0]);
    if (teacher_) {
      fidelity.forward_kl = mean(sums_[1]);
      fidelity.reverse_kl = mean(sums_[2]);
      fidelity.teacher_nll = mean(teacher_nll_);
      fidelity.agreement = mean(agreement_);
    }
    if (!loss_.terms.empty()) fidelity.loss = 0.0;
    for (size_t i = own_terms_; i < terms_.size(); ++i) {
      *fidelity.loss += terms_[i].scale * mean(sums_[i], terms_[i].objective->unit());
    }
    return fidelity;
  }

 private:
  /// What no term of the head gives.
  void look_at(const LogitRows& chunk) {
    accumulate(teacher_nll_, nll_sum(chunk.teacher, chunk.targets));
    const int64_t common = std::min(chunk.student.size(-1), chunk.teacher.size(-1));
    const auto best = [&](const at::Tensor& logits) {
      return logits.narrow(-1, 0, common).argmax(-1);
    };
    accumulate(agreement_, best(chunk.student).eq(best(chunk.teacher)).sum().to(at::kDouble));
  }

  at::Tensor nll_sum(const at::Tensor& logits, const at::Tensor& targets) const {
    if (has_fused_loss(logits.device(), logits.scalar_type())) {
      FusedRows rows;
      rows.student = logits;
      rows.targets = targets.contiguous();
      return fused_loss(rows, {.cross_entropy = true}, false).cross_entropy.sum(at::kDouble);
    }
    LogitRows rows;
    rows.student = logits;
    rows.targets = targets;
    return student_nll_->sum(rows, {}).to(at::kDouble);
  }

  static void accumulate(at::Tensor& sum, const at::Tensor& value) {
    sum = sum.defined() ? sum + value : value;
  }
  double mean(const at::Tensor& sum, LossUnit unit = LossUnit::kLossToken) const {
    return sum.item<double>() / static_cast<double>(units_[unit]);
  }

  LossStep& step_;
  const MeasuredLoss& loss_;
  bool teacher_;  // and it gives all its logits
  std::unique_ptr<LogitObjective> student_nll_ = logit_objectives().create("cross_entropy");
  std::unique_ptr<LogitObjective> forward_kl_ = logit_objectives().create("forward_kl");
  std::unique_ptr<LogitObjective> reverse_kl_ = logit_objectives().create("reverse_kl");
  std::vector<LossTerm> terms_;
  size_t own_terms_ = 0;
  UnitCounts units_;
  std::vector<at::Tensor> sums_;
  at::Tensor teacher_nll_, agreement_;
};

}  // namespace

double Fidelity::perplexity() const { return std::exp(student_nll); }

Fidelity measure_fidelity(LossStep& step, const std::function<std::optional<Batch>()>& next,
                          const MeasuredLoss& loss) {
  Measurement measurement(step, loss);
  while (const std::optional<Batch> batch = next()) {
    measurement.add(*batch);
    throw_if_stopped();
  }
  return measurement.means();
}

Fidelity measure_fidelity(LossStep& step, const std::vector<Batch>& batches,
                          const MeasuredLoss& loss) {
  size_t at = 0;
  return measure_fidelity(
      step,
      [&]() -> std::optional<Batch> {
        if (at == batches.size()) return std::nullopt;
        return batches[at++];
      },
      loss);
}

}  // namespace distill
