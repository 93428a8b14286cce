// A linear map from the student's width to the teacher's, trained beside the student.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "distill/config/section.h"
#include "distill/objective/feature_objective.h"

namespace distill {

/// One for each pair that needs it: s W^T + b (Romero et al. 2015, FitNets), with the first values
/// of torch.nn.Linear.
class Projector {
 public:
  void fields(Section& section);

  /// Throws ConfigError where it is switched off and the widths of a pair differ.
  void check(const std::vector<TapPair>& pairs, const ModelTaps& models) const;
  /// Weight [D_t, D_s] and bias [D_t] of each pair that is projected.
  std::vector<ObjectiveParameter> parameters(const std::vector<TapPair>& pairs,
                                             const ModelTaps& models) const;
  /// [n, D_s] -> [n, D_t]. Takes what it uses off the front of the parameters.
  at::Tensor apply(const at::Tensor& student, int64_t teacher_width,
                   std::span<const at::Tensor>& parameters) const;

 private:
  enum class Use { kAuto, kLinear, kNone };
  bool projects(int64_t student_width, int64_t teacher_width) const;

  Use use_ = Use::kAuto;
  bool bias_ = true;
};

}  // namespace distill
