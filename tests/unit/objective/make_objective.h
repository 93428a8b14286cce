// Objectives as a configuration makes them.
#pragma once

#include <memory>
#include <string>

#include "distill/config/config_file.h"
#include "distill/objective/feature_objective.h"
#include "distill/objective/logit_objective.h"

namespace distill {

/// `options`: the objective's keys as a YAML mapping.
template <typename T>
std::unique_ptr<T> make_from(const Registry<T>& registry, const std::string& type,
                             const std::string& options) {
  auto objective = registry.create(type);
  const ConfigFile file = ConfigFile::parse(options, "objective.yaml");
  file.read([&](Section& section) { objective->fields(section); });
  return objective;
}

inline std::unique_ptr<LogitObjective> make_objective(const std::string& type,
                                                      const std::string& options = "{}") {
  return make_from(logit_objectives(), type, options);
}

inline std::unique_ptr<FeatureObjective> make_feature_objective(const std::string& type,
                                                                const std::string& options = "{}") {
  return make_from(feature_objectives(), type, options);
}

}  // namespace distill
