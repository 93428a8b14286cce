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
#include "distill/train/trainer.h"

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

/// Optimizer steps of the run: max_steps, or from the batches of an epoch.
int64_t total_steps(const TrainConfig& train, int64_t batches_per_epoch);

/// Intervals and a warm-up that are longer than the run, documents that are longer than what a
/// model was made for.
std::vector<std::string> plan_warnings(const RunConfig& config, const ModelPlan& plan,
                                       int64_t steps);

/// `resume`: "" for a fresh run, "auto" for the latest checkpoint of the run folder, else a
/// checkpoint folder. Null where the run was finished already. Throws ConfigError, DataError,
/// CheckpointError, TrainingError, Interrupted.
std::optional<TrainingSummary> run_training(const LoadedConfig& loaded, const std::string& resume);

/// The summary as a table for a person.
std::string format_summary(const TrainingSummary& summary, const std::filesystem::path& folder);

}  // namespace distill
