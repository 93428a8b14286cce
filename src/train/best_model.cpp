#include "train/best_model.h"

#include "distill/core/log.h"
#include "train/evaluation_report.h"

namespace distill {

bool BestModel::follow(const Fidelity& fidelity, int64_t step) {
  if (!config_.metric_for_best_model) return false;
  const std::string& name = *config_.metric_for_best_model;
  const double value = evaluation_metric(fidelity, name);
  if (!is_better_metric(value, state_.metric, name)) {
    ++state_.evaluations_without_gain;
    return false;
  }
  state_ = {value, name, step, 0};
  return true;
}

bool BestModel::exhausted(const TrainConfig& config, const BestState& state) {
  const auto& name = config.metric_for_best_model;
  if (!name || (state.metric && state.metric_name != *name)) return false;
  return config.early_stopping_patience &&
         state.evaluations_without_gain >= *config.early_stopping_patience;
}

void BestModel::forget_another_metric() {
  const auto& name = config_.metric_for_best_model;
  if (!state_.metric || name == state_.metric_name) return;
  log_info("train.metric_for_best_model is now " + name.value_or("not set") + " and was " +
           state_.metric_name + ": the best " + (name ? "is looked for anew" : "is forgotten"));
  state_ = {};
}

}  // namespace distill
