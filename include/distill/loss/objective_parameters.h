// What the objectives of a run have of their own to train, such as projectors.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "distill/loss/loss_step.h"
#include "distill/model/modules.h"
#include "distill/objective/objective.h"

namespace distill {

class ObjectiveParameters {
 public:
  /// Those of every term for these models, with their first values from the seed (at::kMeta: none).
  /// Throws ConfigError: see Objective::needs.
  ObjectiveParameters(const std::vector<ObjectiveTerm>& objectives, const ModelTaps& models,
                      const at::TensorOptions& options, uint64_t seed);

  /// Of a term, in the order of its objective's parameters().
  const std::vector<Parameter>& of(size_t term) const { return terms_[term]; }
  bool empty() const;

  /// Each under the name "objective.<label>.<its own>"; decay as for a model's.
  using Visitor = std::function<void(const std::string& name, Parameter& parameter, bool decay)>;
  void visit(const Visitor& visitor);

 private:
  std::vector<std::vector<Parameter>> terms_;
  std::vector<std::vector<std::string>> names_;
};

/// The terms of a loss, each with its weight at that step. The parameters must outlive them.
std::vector<LossTerm> loss_terms(const std::vector<ObjectiveTerm>& objectives,
                                 const ObjectiveParameters& parameters, const StepContext& context);

}  // namespace distill
