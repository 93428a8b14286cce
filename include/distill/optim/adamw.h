// AdamW (Loshchilov, Hutter 2019) over flat buffers, with clipping by the global norm.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "distill/config/section.h"
#include "distill/optim/flat_parameters.h"
#include "distill/optim/parameter_group.h"

namespace distill {

struct AdamWOptions {
  std::string type = "adamw";
  double learning_rate = 2e-5;
  std::vector<double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0.0;
  std::vector<ParameterGroupConfig> groups;  ///< a parameter belongs to the first that matches

  void fields(Section& section);
};

/// Reads betas and eps of its options; learning rate and weight decay are the steps' and the
/// groups'.
class AdamW {
 public:
  AdamW(const AdamWOptions& options, FlatParameters& parameters);

  /// One update with the gradients that the buffers hold, each group at its lr_scale and weight
  /// decay. Gradients are scaled by min(1, max_norm / (norm + 1e-6)) first (max_norm 0: not at
  /// all). Where `skip` (a fp32 scalar on the device) is 1 nothing changes, the step count
  /// included. No host synchronisation.
  void step(double learning_rate, double max_norm, const at::Tensor& norm, const at::Tensor& skip);

  /// Updates done: a fp32 scalar on the device, part of a checkpoint.
  const at::Tensor& step_count() const { return step_count_; }

 private:
  AdamWOptions options_;
  FlatParameters& parameters_;
  at::Tensor step_count_;  // fp32 []
};

}  // namespace distill
