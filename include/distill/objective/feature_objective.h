// Losses over inner values of both models: hidden states, queries, keys and values.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "distill/config/registry.h"
#include "distill/flow/batch.h"
#include "distill/objective/objective.h"

namespace distill {

/// A tap of the student, the tap of the teacher that it is compared to, and the factor of that.
struct TapPair {
  Tap student, teacher;
  Number weight = 1.0;
};

/// What a step knows of a pair: both values over the T tokens of the batch, as the models have them
/// (see Tap), the student's with gradient and the teacher's without.
struct FeaturePair {
  at::Tensor student, teacher;
  double weight = 1.0;
};

/// All of it on one device.
struct FeatureRows {
  const Batch& batch;
  std::vector<FeaturePair> pairs = {};      // in the order of FeatureObjective::pairs
  std::vector<at::Tensor> parameters = {};  // the objective's own, in the order of parameters()
  at::Tensor weights = {};                  // fp32 [R] of the loss rows, or undefined: all one
};

/// A loss over pairs of taps. Like LogitObjective it gives a sum over its units and never divides.
class FeatureObjective : public Objective {
 public:
  /// What is compared in these models. Throws ConfigError: see Objective::needs.
  virtual std::vector<TapPair> pairs(const ModelTaps& models) const = 0;

  /// Over all pairs and units of the batch, before the objective's own weight: a scalar in fp32
  /// (fp64 for fp64 values), differentiable in the student's values and the parameters.
  virtual at::Tensor sum(const FeatureRows& rows, const StepContext& context) const = 0;

  /// The taps of its pairs.
  Needs needs(const ModelTaps& models) const final;
  bool needs_teacher() const final { return true; }
};

const Registry<FeatureObjective>& feature_objectives();

}  // namespace distill
