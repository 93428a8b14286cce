// `distill train`: from a configuration to a finished run folder.
#pragma once

#include <optional>
#include <string>

#include "distill/train/run_config.h"
#include "distill/train/training_summary.h"

namespace distill {

/// `resume`: "" for a fresh run, "auto" for the newest whole checkpoint of the run folder, else a
/// checkpoint folder: of this run, whose later checkpoints are then set aside, or of another one,
/// which needs a fresh run folder. Null where the run was finished already; nothing is changed
/// then. Throws ConfigError, DataError, CheckpointError, TrainingError, Interrupted.
std::optional<TrainingSummary> run_training(const LoadedConfig& loaded, const std::string& resume);

}  // namespace distill
