// What a run will read and how long it will be, before a weight is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "distill/data/batch_stream.h"
#include "distill/data/data_files.h"
#include "distill/data/dataset.h"
#include "distill/train/model_plan.h"
#include "distill/train/run_config.h"

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
/// there. `files`: those of config.data. Throws DataError, Interrupted.
PlannedData plan_data(const RunConfig& config, const DataFiles& files, const ModelPlan& plan,
                      Counting counting);

/// What was counted, as lines for a person.
std::vector<std::string> data_statistics(const PlannedData& data);

/// Optimizer steps of the run: max_steps, or num_epochs times those of an epoch of so many
/// micro-batches, rounded up. The last step of an epoch takes the micro-batches that are left.
int64_t total_steps(const TrainConfig& train, int64_t batches_per_epoch);

/// "12 (4 an epoch, the last of each of 1 micro-batch)"; "12 (about 4 an epoch)" where packing
/// makes other batches in the epochs after the first, which is the one that was counted.
std::string describe_steps(const RunConfig& config, int64_t batches_per_epoch);

/// Intervals, a warm-up, a decay and schedules of numbers that are longer than the run, documents
/// that are longer than what a model was made for.
std::vector<std::string> plan_warnings(const LoadedConfig& loaded, const ModelPlan& plan,
                                       int64_t steps);

}  // namespace distill
