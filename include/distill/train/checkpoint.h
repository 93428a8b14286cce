// Checkpoints of a run folder: each is a Hugging Face folder plus trainer/ with everything that
// resume needs. A folder without its manifest is not a checkpoint.
//
//   checkpoint-250/  config.json model.safetensors tokenizer.json ...
//                    trainer/optimizer.safetensors  masters and moments by parameter name
//                    trainer/state.json             step, stream, best metric, identity
//                    trainer/manifest.json          every file with its size: written last
//   latest, best     links to checkpoints
//   final/           the last weights, with trainer/state.json but for the identity
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "distill/train/trainer_state.h"

namespace distill {

/// Tensors by name.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// A checkpoint that was read and checked.
struct LoadedCheckpoint {
  std::filesystem::path folder;
  TrainerState state;
  NamedTensors tensors;  // views of the mapped file
};

class CheckpointStore {
 public:
  /// Makes the folder. Throws DataError.
  explicit CheckpointStore(std::filesystem::path run_folder);

  /// Writes checkpoint-<step> under a temporary name, syncs, renames, points `latest` at it. One
  /// that is there already with the same state is left alone. `write_model` fills the Hugging Face
  /// part of a folder. Throws CheckpointError: earlier checkpoints are untouched and nothing
  /// half-written stays.
  void save(const TrainerState& state, const NamedTensors& tensors,
            const std::function<void(const std::filesystem::path&)>& write_model);

  /// Where checkpoint-<step> is or would be.
  std::filesystem::path folder(int64_t step) const;
  /// Points `best` at checkpoint-<step>.
  void mark_best(int64_t step);
  /// Removes the oldest ones beyond `limit` (0: none), never `best` and never `latest`, which
  /// count. One that cannot be removed is named in a warning, stays, and no longer counts.
  void prune(int64_t limit);
  /// Steps of the checkpoints that have a manifest, ascending.
  std::vector<int64_t> steps() const;

  /// The newest checkpoint that is whole, whatever `latest` says; empty where there is none at all.
  /// Those that are not whole are named in a warning. Throws CheckpointError where no one is.
  std::filesystem::path newest_whole() const;
  /// Training goes on from `state`: checkpoints and a final/ of later steps are kept under a name
  /// with `.abandoned`, with a copy of the events, and the links follow the state.
  void continue_from(const TrainerState& state);

 private:
  void set_later_aside(int64_t step) const;
  void link_to(const TrainerState& state);

  std::filesystem::path run_folder_;
  std::set<int64_t> kept_;  // could not be removed: one warning is enough
};

/// Where training stood when the folder's model was written; null where it does not say. Throws
/// CheckpointError.
std::optional<TrainerState> read_state(const std::filesystem::path& folder);
void write_state(const std::filesystem::path& folder, const TrainerState& state);

/// Reads a checkpoint folder and checks it against its manifest. Throws CheckpointError.
LoadedCheckpoint load_checkpoint(const std::filesystem::path& folder);

/// Copies the loaded tensors into those of the same name. Throws CheckpointError that lists every
/// name or shape that does not match.
void restore_tensors(const LoadedCheckpoint& checkpoint, const NamedTensors& tensors);

/// Throws CheckpointError that names every key whose value is not the checkpoint's.
void check_identity(const LoadedCheckpoint& checkpoint,
                    const std::vector<std::pair<std::string, std::string>>& identity);

}  // namespace distill
