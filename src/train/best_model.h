// The best evaluation so far, and when there has been none better for too long.
#pragma once

#include <cstdint>

#include "distill/eval/fidelity.h"
#include "distill/train/run_config.h"
#include "distill/train/trainer_state.h"

namespace distill {

class BestModel {
 public:
  /// Follows config.metric_for_best_model, if that is set. `state` must outlive this.
  BestModel(const TrainConfig& config, BestState& state) : config_(config), state_(state) {}

  /// Takes an evaluation into the state; true where it is the best so far.
  bool follow(const Fidelity& fidelity, int64_t step);
  /// True once early_stopping_patience evaluations in a row were not better.
  bool exhausted() const { return exhausted(config_, state_); }
  static bool exhausted(const TrainConfig& config, const BestState& state);
  /// After a resume: a best by another metric than today's, or where there is none today, is
  /// forgotten, with a word in the log.
  void forget_another_metric();

 private:
  const TrainConfig& config_;
  BestState& state_;
};

}  // namespace distill
