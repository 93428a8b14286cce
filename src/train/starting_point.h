// Where a run begins: at step 0, at a checkpoint of its own, or at one of another run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "distill/train/checkpoint.h"
#include "distill/train/run_config.h"
#include "distill/train/run_folder.h"

namespace distill {

struct StartingPoint {
  std::optional<LoadedCheckpoint> checkpoint = std::nullopt;  ///< none: step 0
  bool named = false;    ///< this very checkpoint was asked for
  bool foreign = false;  ///< it is none of the run folder's own
};

/// `resume`: see run_training. Changes nothing but the names of whole checkpoints that a kill left
/// under another one. Throws ConfigError where the folder holds a run that is not asked for,
/// CheckpointError.
StartingPoint find_starting_point(const std::string& resume, const RunFolder& folder,
                                  const CheckpointStore& store);

/// Whether final/ is already what the run, of so many steps from there, would end with; a line then
/// says what it was finished by. Throws CheckpointError where the run should go on from final/ and
/// has no checkpoint.
bool nothing_left(const StartingPoint& start, const TrainConfig& train, int64_t steps,
                  const RunFolder& folder, const CheckpointStore& store);

}  // namespace distill
