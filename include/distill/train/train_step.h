// One optimizer step: micro-batches in, weights updated, metrics out.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/model/transformer.h"
#include "distill/objective/head_buffers.h"
#include "distill/objective/logit_objective.h"
#include "distill/optim/adamw.h"
#include "distill/optim/flat_parameters.h"
#include "distill/teacher/live_teacher.h"

namespace distill {

/// A term of the loss as the configuration lists it.
struct ObjectiveTerm {
  std::string type;
  std::unique_ptr<LogitObjective> value;

  const std::string& label() const { return value->label().empty() ? type : value->label(); }
};

/// Metrics of a step. Tensors stay on the device until somebody logs them.
struct StepReport {
  at::Tensor loss;                // fp64 []: sum_i weight_i * terms[i]
  std::vector<at::Tensor> terms;  // fp64 [] each: mean per loss token, before the weight
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
};

class TrainStep {
 public:
  /// Takes over the student's parameters: they become slices of flat buffers. The student, the
  /// teacher (null: none) and the objectives must outlive this.
  TrainStep(Transformer& student, const LiveTeacher* teacher,
            const std::vector<ObjectiveTerm>& objectives, const AdamWOptions& optimizer,
            const TrainStepOptions& options);

  /// Sums over all micro-batches, divided once by the loss tokens of the whole step. An update
  /// whose loss or norm is not finite changes nothing, nor do the ones after it.
  StepReport run(const std::vector<Batch>& micro_batches, double learning_rate,
                 const StepContext& context);

  FlatParameters& parameters() { return parameters_; }
  const FlatParameters& parameters() const { return parameters_; }
  AdamW& optimizer() { return optimizer_; }
  const AdamW& optimizer() const { return optimizer_; }

 private:
  /// Adds the gradients of a micro-batch, and each term's sum to `sums`.
  void add_gradients(const Batch& batch, double scale, const StepContext& context,
                     std::vector<at::Tensor>& sums);

  Transformer& student_;
  const LiveTeacher* teacher_;
  const std::vector<ObjectiveTerm>& objectives_;
  TrainStepOptions options_;
  FlatParameters parameters_;
  AdamW optimizer_;
  HeadBuffers buffers_;
  at::Tensor skip_;  // fp32 []: 1 once something was not finite
};

}  // namespace distill
