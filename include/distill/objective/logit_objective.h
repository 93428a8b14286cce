// Losses over rows of logits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "distill/config/registry.h"
#include "distill/flow/head.h"
#include "distill/objective/objective.h"
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
class LogitObjective : public Objective {
 public:
  /// The row losses before row_factor, row weights and the objective's own weight: [R] in fp32
  /// (fp64 for fp64 logits), differentiable in the student's logits only.
  virtual at::Tensor row_losses(const LogitRows& rows, const StepContext& context) const = 0;
  /// What multiplies the loss of every row alike, such as T^2.
  virtual double row_factor(const StepContext&) const { return 1.0; }
  /// The sum over rows of row_factor * row loss * row weight: a scalar.
  at::Tensor sum(const LogitRows& rows, const StepContext& context) const;
  /// The same of row losses that are known.
  at::Tensor sum(const at::Tensor& row_losses, const at::Tensor& weights,
                 const StepContext& context) const;

  /// The same loss as the fused kernel computes it; null where it does not know it. What it knows
  /// at the first and at the last value of every number, it must know throughout.
  virtual std::optional<FusedTerm> fused(const StepContext&) const { return std::nullopt; }

  /// What it asks for beside the student's logits, at any step of the run.
  virtual Needs row_needs() const { return {}; }
  Needs needs(const ModelTaps&) const final { return row_needs(); }
  bool needs_teacher() const final { return row_needs().teacher(); }
  /// True for a divergence: zero if and only if the two distributions are equal.
  virtual bool is_divergence() const { return false; }
};

const Registry<LogitObjective>& logit_objectives();

}  // namespace distill
