// The taps that an objective over inner values needs, from its pairs.
#include "distill/objective/feature_objective.h"

namespace distill {

Needs FeatureObjective::needs(const ModelTaps& models) const {
  Needs needs;
  for (const TapPair& pair : pairs(models)) {
    needs.student_taps.insert(pair.student);
    needs.teacher_taps.insert(pair.teacher);
  }
  return needs;
}

}  // namespace distill
