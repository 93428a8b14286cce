// `distill train`: from a configuration to a finished run folder.
#pragma once

#include <optional>
#include <string>

#include "distill/core/error.h"
#include "distill/train/run_config.h"
#include "distill/train/training_summary.h"

namespace distill {

/// A signal that ended the training, after a checkpoint was saved: `--resume auto` goes on from it.
class InterruptedTraining : public Interrupted {
 public:
  using Interrupted::Interrupted;
};

/// `resume`: "" for a fresh run, "auto" for the newest whole checkpoint of the run folder, else a
/// checkpoint folder: of this run, whose later checkpoints are then set aside, or of another one,
/// which needs a fresh run folder and is saved there first. Null where the run was finished
/// already; nothing is changed then. Throws ConfigError, DataError, CheckpointError, TrainingError,
/// InterruptedTraining, and Interrupted before the first step: the run folder is then what it was.
std::optional<TrainingSummary> run_training(const LoadedConfig& loaded, const std::string& resume);

}  // namespace distill
