// What a run writes of its model: checkpoints and final/.
#pragma once

#include <filesystem>
#include <string>

#include "distill/model/loading.h"
#include "distill/model/transformer.h"
#include "distill/train/checkpoint.h"
#include "distill/train/run_folder.h"

namespace distill {

class Saver {
 public:
  /// All must outlive this. `limit`: checkpoints to keep, see CheckpointStore::prune.
  Saver(CheckpointStore& store, const RunFolder& folder, const Transformer& student,
        TokenizerFiles tokenizer, int64_t limit)
      : store_(store),
        folder_(folder),
        student_(student),
        tokenizer_(std::move(tokenizer)),
        limit_(limit) {}

  /// Throws CheckpointError.
  void save(const TrainerState& state, const NamedTensors& tensors);
  /// The same, and `best` points there.
  void save_best(const TrainerState& state, const NamedTensors& tensors);
  /// final/, which says what state it is of: whole or what it was. Throws DataError.
  void write_final(const TrainerState& state) const;

  const CheckpointStore& store() const { return store_; }

 private:
  void write_model(const std::filesystem::path& folder) const;

  CheckpointStore& store_;
  const RunFolder& folder_;
  const Transformer& student_;
  TokenizerFiles tokenizer_;  // in memory: their folder may be gone by the end of the run
  int64_t limit_;
};

}  // namespace distill
