// Where a run stands, apart from its tensors: trainer/state.json of a checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/io/json.h"

namespace distill {

/// The best evaluation so far, by train.metric_for_best_model.
struct BestState {
  std::optional<double> metric;
  std::string metric_name;  ///< what the others are about
  int64_t step = 0;
  int64_t evaluations_without_gain = 0;

  bool operator==(const BestState&) const = default;
};

struct TrainerState {
  int64_t step = 0;  ///< optimizer steps done
  StreamState stream;
  int64_t epoch_batches = 0;  ///< micro-batches consumed of the epoch under way
  int64_t tokens = 0;         ///< consumed so far
  int64_t loss_tokens = 0;
  BestState best;
  bool evaluation_due = false;  ///< a signal cut the evaluation of this step short
  /// Keys of the configuration that must not change on resume, and hashes of model, tokenizer and
  /// data: {"data.max_length": "1024", ...}.
  std::vector<std::pair<std::string, std::string>> identity;

  bool operator==(const TrainerState&) const = default;
};

Json to_json(const TrainerState& state);

/// Throws DataError or Json::exception where `json` is not a state; `where` names it.
TrainerState trainer_state_from_json(const Json& json, const std::string& where);

}  // namespace distill
