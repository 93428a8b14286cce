// Objectives as a configuration makes them.
#pragma once

#include <memory>
#include <string>

#include "distill/config/config_file.h"
#include "distill/objective/logit_objective.h"

namespace distill {

/// `options`: the objective's keys as a YAML mapping.
inline std::unique_ptr<LogitObjective> make_objective(const std::string& type,
                                                      const std::string& options = "{}") {
  auto objective = logit_objectives().create(type);
  const ConfigFile file = ConfigFile::parse(options, "objective.yaml");
  file.read([&](Section& section) { objective->fields(section); });
  return objective;
}

}  // namespace distill
