// Names, first values and order of the parameters that objectives have of their own.
#include "distill/loss/objective_parameters.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/random.h"

namespace distill {
namespace {

at::Tensor first_value(const ObjectiveParameter& parameter, const std::string& name,
                       const at::TensorOptions& options, uint64_t seed) {
  at::Tensor value = at::empty(parameter.shape, options);
  if (value.is_meta()) return value;
  // On the CPU and in fp32, whatever the device and dtype: the same numbers everywhere.
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, name));
  const at::Tensor drawn = at::empty(parameter.shape, at::kFloat);
  drawn.uniform_(-parameter.bound, parameter.bound, generator);
  return value.copy_(drawn);
}

std::vector<ObjectiveParameter> parameters_of(const ObjectiveTerm& term, const ModelTaps& models) {
  try {
    return term.value->parameters(models);
  } catch (const ConfigError& error) {
    throw ConfigError("objective: " + term.label() + ": " + error.what());
  }
}

}  // namespace

ObjectiveParameters::ObjectiveParameters(const std::vector<ObjectiveTerm>& objectives,
                                         const ModelTaps& models, const at::TensorOptions& options,
                                         uint64_t seed) {
  for (const ObjectiveTerm& term : objectives) {
    std::vector<Parameter>& parameters = terms_.emplace_back();
    std::vector<std::string>& names = names_.emplace_back();
    for (const ObjectiveParameter& parameter : parameters_of(term, models)) {
      names.push_back("objective." + term.label() + "." + parameter.name);
      parameters.emplace_back().value = first_value(parameter, names.back(), options, seed);
    }
  }
}

bool ObjectiveParameters::empty() const {
  return std::all_of(terms_.begin(), terms_.end(), [](const auto& term) { return term.empty(); });
}

void ObjectiveParameters::visit(const Visitor& visitor) {
  for (size_t term = 0; term < terms_.size(); ++term) {
    for (size_t i = 0; i < terms_[term].size(); ++i) {
      Parameter& parameter = terms_[term][i];
      visitor(names_[term][i], parameter, parameter.value.dim() >= 2);
    }
  }
}

std::vector<LossTerm> loss_terms(const std::vector<ObjectiveTerm>& objectives,
                                 const ObjectiveParameters& parameters,
                                 const StepContext& context) {
  std::vector<LossTerm> terms;
  for (size_t i = 0; i < objectives.size(); ++i) {
    const Objective& objective = *objectives[i].value;
    terms.push_back({.objective = &objective,
                     .scale = objective.weight(context),
                     .parameters = &parameters.of(i)});
  }
  return terms;
}

}  // namespace distill
