// Losses over rows of logits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "distill/config/number.h"
#include "distill/config/registry.h"
#include "distill/config/section.h"
#include "distill/flow/head.h"
#include "distill/flow/trace.h"
#include "distill/ops/fused_loss.h"

namespace distill {

/// Rows of logits with what they are compared to. R rows; the vocabularies of the two models may
/// differ in size.
struct LogitRows {
  at::Tensor student;  // [R, V_s]
  at::Tensor teacher;  // [R, V_t], untempered, or undefined
  SparseRows sparse;   // of a teacher that has no logits for these rows
  at::Tensor targets;  // int64 [R]
  at::Tensor weights;  // fp32 [R] or undefined: all one
  at::Tensor keys;     // int64 [R] or undefined: see Batch::keys
};

/// Where training stands, for objectives that change over time.
struct StepContext {
  int64_t step = 0;  ///< from 0
  int64_t total_steps = 0;
  uint64_t seed = 0;        ///< of the run, for objectives that sample
  int64_t draw = 0;         ///< which draw of theirs: a step's own in training, 0 in evaluations
  bool evaluating = false;  ///< numbers have their last value, wherever training stands

  /// The same for every evaluation of a run, so that their results compare.
  static StepContext evaluation(uint64_t seed, int64_t total_steps) {
    return {total_steps, total_steps, seed, 0, true};
  }
  double value(const Number& number) const {
    return evaluating ? number.last() : number.at(step, total_steps);
  }
};

/// A term that the fused kernel knows: cross-entropy at T = 1, or a divergence with its factor.
struct FusedTerm {
  bool cross_entropy = false;
  Divergence divergence = Divergence::kNone;
  double temperature = 1.0;
  double ratio = 0.5;
  double factor = 1.0;
};

/// A loss that is a sum over rows. It never divides: the trainer counts the loss tokens of a whole
/// optimizer step and divides once, so no way of splitting the rows can change a gradient.
class LogitObjective {
 public:
  virtual ~LogitObjective() = default;

  /// The sum over rows of the row losses, each times its row weight; before the objective's own
  /// weight. A scalar in fp32 (fp64 for fp64 logits), differentiable in the student's logits only.
  virtual at::Tensor sum(const LogitRows& rows, const StepContext& context) const = 0;

  /// The same loss as the fused kernel computes it; null where it does not know it. What it knows
  /// at the first and at the last value of every number, it must know throughout.
  virtual std::optional<FusedTerm> fused(const StepContext&) const { return std::nullopt; }

  /// At any step of the run.
  virtual Needs needs() const { return {}; }
  /// True for a divergence: zero if and only if the two distributions are equal.
  virtual bool is_divergence() const { return false; }

  double weight(const StepContext& context) const { return context.value(weight_); }
  const Number& weight() const { return weight_; }
  /// What logs call it; empty: its registered name.
  const std::string& label() const { return label_; }

  void fields(Section& section);

 protected:
  virtual void options(Section& section) = 0;

 private:
  Number weight_ = 1.0;
  std::string label_;
};

/// Every objective that a configuration can name.
const Registry<LogitObjective>& logit_objectives();

}  // namespace distill
