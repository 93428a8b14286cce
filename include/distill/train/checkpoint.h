// Checkpoints of a run folder: each is a Hugging Face folder plus trainer/ with everything that
// resume needs. A folder without its manifest is not a checkpoint.
//
//   checkpoint-250/  config.json model.safetensors tokenizer.json ...
//                    trainer/optimizer.safetensors  masters and moments by parameter name
//                    trainer/state.json             step, stream, generators, metrics, identity
//                    trainer/manifest.json          every file with its size: written last
//   latest, best     links to checkpoints
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/io/json.h"

namespace distill {

/// Where a run stands, apart from its tensors.
struct TrainerState {
  int64_t step = 0;  ///< optimizer steps done
  StreamState stream;
  int64_t tokens = 0;  ///< consumed so far
  int64_t loss_tokens = 0;
  std::optional<double> best_metric;
  std::string best_metric_name;  ///< what best_metric and the next two are about
  int64_t best_step = 0;
  int64_t evaluations_without_gain = 0;
  bool evaluation_due = false;  ///< a signal cut the evaluation of this step short
  /// Keys of the configuration that must not change on resume, and hashes of model, tokenizer and
  /// data: {"data.max_length": "1024", ...}.
  std::vector<std::pair<std::string, std::string>> identity;
};

/// A checkpoint that was read and checked.
struct LoadedCheckpoint {
  std::filesystem::path folder;
  TrainerState state;
  std::vector<std::pair<std::string, at::Tensor>> tensors;  // views of the mapped file
};

class CheckpointStore {
 public:
  /// Removes what an interrupted save has left behind. Throws DataError.
  explicit CheckpointStore(std::filesystem::path run_folder);

  /// Writes checkpoint-<step> under a temporary name, syncs, renames, points `latest` at it.
  /// `write_model` fills the Hugging Face part of a folder. Throws CheckpointError: earlier
  /// checkpoints are untouched and nothing half-written stays.
  void save(const TrainerState& state,
            const std::vector<std::pair<std::string, at::Tensor>>& tensors,
            const std::function<void(const std::filesystem::path&)>& write_model);

  /// Where checkpoint-<step> is or would be.
  std::filesystem::path folder(int64_t step) const;
  /// Points `best` at checkpoint-<step>.
  void mark_best(int64_t step);
  /// Removes the oldest ones beyond `limit` (0: none), never `best` and never `latest`.
  void prune(int64_t limit);
  /// Steps of the checkpoints that are whole, ascending.
  std::vector<int64_t> steps() const;

 private:
  std::filesystem::path run_folder_;
};

/// Reads a checkpoint folder and checks it against its manifest. Throws CheckpointError.
LoadedCheckpoint load_checkpoint(const std::filesystem::path& folder);

/// Copies the loaded tensors into those of the same name. Throws CheckpointError that lists every
/// name or shape that does not match.
void restore_tensors(const LoadedCheckpoint& checkpoint,
                     const std::vector<std::pair<std::string, at::Tensor>>& tensors);

/// Throws CheckpointError that names every key whose value is not the checkpoint's.
void check_identity(const LoadedCheckpoint& checkpoint,
                    const std::vector<std::pair<std::string, std::string>>& identity);

}  // namespace distill
