// `distill train` and `distill validate`: from a configuration to a finished run folder.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "distill/data/batch_stream.h"
#include "distill/data/dataset.h"
#include "distill/train/model_plan.h"
#include "distill/train/run_config.h"
#include "distill/train/training_summary.h"

namespace distill {

/// The data of a run, and what the first epoch of it holds.
struct PlannedData {
  DataSplits splits;
  std::optional<EpochCount> epoch;  ///< absent: not counted
  bool sampled = false;             ///< only the beginning of the epoch was counted
};

enum class Counting { kNone, kSample, kEpoch };

/// Loads the data of a plan that has a tokenizer, and counts the first epoch or the first window of
/// it, if asked to. A sample with a record that stops the run is not counted: the run may never get
/// there. Throws DataError.
PlannedData plan_data(const RunConfig& config, const ModelPlan& plan, Counting counting);

/// What was counted, as lines for a person.
std::vector<std::string> data_statistics(const PlannedData& data);

/// Sentences for data files that are absent.
std::vector<std::string> missing_files(const DataConfig& data);

/// Optimizer steps of the run: max_steps, or num_epochs times those of an epoch of so many
/// micro-batches, rounded up. The last step of an epoch takes the micro-batches that are left.
int64_t total_steps(const TrainConfig& train, int64_t batches_per_epoch);

/// "12 (4 an epoch, the last of each of 1 micro-batch instead of 8)".
std::string describe_steps(const TrainConfig& train, int64_t batches_per_epoch);

/// Intervals and a warm-up that are longer than the run, documents that are longer than what a
/// model was made for.
std::vector<std::string> plan_warnings(const RunConfig& config, const ModelPlan& plan,
                                       int64_t steps);

/// `resume`: "" for a fresh run, "auto" for the newest whole checkpoint of the run folder, else a
/// checkpoint folder: of this run, whose later checkpoints are then set aside, or of another one,
/// which needs a fresh run folder. Null where the run was finished already; nothing is changed
/// then. Throws ConfigError, DataError, CheckpointError, TrainingError, Interrupted.
std::optional<TrainingSummary> run_training(const LoadedConfig& loaded, const std::string& resume);

}  // namespace distill
