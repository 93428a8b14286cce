// What parameters of one group share, and how a configuration names its groups.
#pragma once

#include <optional>
#include <string>

#include "distill/config/section.h"

namespace distill {

/// Settings of an optimizer step. Parameters of equal settings and name share flat buffers.
struct ParameterGroup {
  std::string name;           ///< for a person
  double lr_scale = 1.0;      ///< factor of the learning rate
  double weight_decay = 0.0;  ///< decoupled: a step shrinks by learning rate * lr_scale * this

  bool operator==(const ParameterGroup&) const = default;
};

/// An entry of optimizer.groups: parameters whose name matches.
struct ParameterGroupConfig {
  std::string match;
  double lr_scale = 1.0;
  /// Of all that it matches. Absent: the optimizer's, and 0 for norms and biases.
  std::optional<double> weight_decay;

  void fields(Section& section);
};

}  // namespace distill
