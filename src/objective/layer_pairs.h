// Which layers of the student are compared to which of the teacher.
#pragma once

#include <cstdint>
#include <vector>

#include "distill/config/section.h"
#include "distill/objective/feature_objective.h"

namespace distill {

struct LayerPair {
  int64_t student = 0;
  int64_t teacher = 0;
  Number weight = 1.0;

  void fields(Section& section);
};

struct LayerPairs {
  std::vector<LayerPair> layers;  ///< empty: the last of both

  void fields(Section& section);
  /// Their taps of one kind. Throws ConfigError for a layer that a model has no such tap of.
  std::vector<TapPair> of(Tap::Kind kind, const ModelTaps& models) const;
};

}  // namespace distill
