// Where training stands, for objectives that change over time.
#pragma once

#include <cstdint>

#include "distill/config/number.h"

namespace distill {

struct StepContext {
  int64_t step = 0;  ///< from 0
  int64_t total_steps = 0;
  uint64_t seed = 0;        ///< of the run, for objectives that sample
  int64_t draw = 0;         ///< which draw of theirs: a step's own in training, 0 in evaluations
  bool evaluating = false;  ///< numbers have their last value, wherever training stands

  /// The same for every evaluation of a run, so that their results compare.
  static StepContext evaluation(uint64_t seed, int64_t total_steps) {
    return {total_steps, total_steps, seed, 0, true};
  }
  double value(const Number& number) const {
    return evaluating ? number.last() : number.at(step, total_steps);
  }
};

}  // namespace distill
