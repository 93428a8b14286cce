// One optimizer step: micro-batches in, weights updated, metrics out.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/loss/loss_step.h"
#include "distill/loss/objective_parameters.h"
#include "distill/model/transformer.h"
#include "distill/objective/objective.h"
#include "distill/optim/adamw.h"
#include "distill/optim/flat_parameters.h"

namespace distill {

/// Metrics of a step. Tensors stay on the device until somebody logs them.
struct StepReport {
  at::Tensor loss;                // fp64 []: sum_i weight_i * terms[i]
  std::vector<at::Tensor> terms;  // fp64 [] each: mean over the term's unit, before the weight
  at::Tensor grad_norm;           // fp64 []: before clipping
  at::Tensor finite;              // bool []: loss and norm of this and all earlier steps are finite
  double learning_rate = 0.0;
  int64_t tokens = 0;
  int64_t loss_tokens = 0;
  std::vector<SampleRef> samples;
};

struct TrainStepOptions {
  double max_grad_norm = 1.0;  ///< 0: no clipping
  bool gradient_checkpointing = false;
  std::vector<std::string> freeze = {};  ///< regular expressions: see student.freeze
  uint64_t seed = 0;                     ///< of the objectives' own parameters
};

class TrainStep {
 public:
  /// Takes over the student's parameters: those that train become slices of flat buffers, with
  /// those that the objectives have of their own; the others stay as they are. The student, its
  /// loss step and the objectives must outlive this. Throws ConfigError: see trainable_parameters.
  TrainStep(Transformer& student, LossStep& loss, const std::vector<ObjectiveTerm>& objectives,
            const AdamWOptions& optimizer, const TrainStepOptions& options);

  /// Sums over all micro-batches, each divided once by its unit's count in the whole step. An
  /// update whose loss or norm is not finite changes nothing, nor do the ones after it.
  StepReport run(const std::vector<Batch>& micro_batches, double learning_rate,
                 const StepContext& context);

  /// The objectives with their weights and parameters at that step.
  std::vector<LossTerm> terms(const StepContext& context) const;

  FlatParameters& parameters() { return parameters_; }
  /// Every tensor that resume needs, by name: views.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

 private:
  LossStep& loss_;
  const std::vector<ObjectiveTerm>& objectives_;
  TrainStepOptions options_;
  ObjectiveParameters own_;
  FlatParameters parameters_;
  AdamW optimizer_;
  at::Tensor skip_;  // fp32 []: 1 once something was not finite
};

}  // namespace distill
