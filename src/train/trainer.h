// The training loop: batches in, steps, evaluations and checkpoints out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distill/data/batch_source.h"
#include "distill/loss/loss_step.h"
#include "distill/train/checkpoint.h"
#include "distill/train/model_plan.h"
#include "distill/train/run_config.h"
#include "distill/train/run_folder.h"
#include "distill/train/train_step.h"
#include "distill/train/training_summary.h"
#include "train/best_model.h"
#include "train/run_log.h"
#include "train/saver.h"
#include "train/step_batches.h"
#include "train/training_clock.h"

namespace distill {

/// What a run starts from. What is pointed at outlives the trainer.
struct TrainerParts {
  const RunConfig* config = nullptr;
  const RunFolder* folder = nullptr;
  CheckpointStore* store = nullptr;
  Transformer* student = nullptr;
  Teacher* teacher = nullptr;  ///< null: none
  BatchSource* source = nullptr;
  std::vector<Batch> eval_batches;
  int64_t total_steps = 0;
  int64_t batches_per_epoch = 0;  ///< 0: unknown
  TokenizerFiles tokenizer;       ///< that the model's folders get
  /// Keys and hashes that a resumed run must share.
  std::vector<std::pair<std::string, std::string>> identity;
  std::vector<MemoryPart> memory;  ///< what the run was estimated to need
  /// Ask after each step whether it was finite. That waits for the device: on CUDA only before what
  /// would keep or show the step's results.
  bool looks_at_each_step = true;
};

/// True once all steps are done and evaluated, or early stopping has ended them.
bool is_finished(const TrainerState& state, const TrainConfig& config, int64_t total_steps);

class Trainer {
 public:
  explicit Trainer(TrainerParts parts);

  /// Restores everything from a checkpoint of this run: see check_identity. Throws CheckpointError.
  void resume(const LoadedCheckpoint& checkpoint);

  /// Runs to the end and writes final/. On a signal saves a checkpoint and throws
  /// InterruptedTraining; a loss or norm that is not finite throws TrainingError that names the
  /// records; a bad record, a full disk or too little memory end the run with a checkpoint of what
  /// was learned, if one can be saved, and an error that says where it is.
  TrainingSummary run();

  /// Saves a checkpoint. Throws CheckpointError.
  void save();
  /// Where training stands.
  const TrainerState& state() const { return state_; }

 private:
  bool finished() const;
  void loop();
  StepReport step();
  /// Moves the state past the step's batches.
  void advance(const std::vector<Batch>& batches, const StepReport& report);
  /// Throws TrainingError where the last step, or one that nobody has asked about, was not finite.
  void require_finite();
  void log(const StepReport& report);
  Fidelity evaluate();
  /// Evaluates and follows the best metric.
  void evaluate_and_follow();
  /// Saves a checkpoint, if there is something to save, and says in the error where it is.
  std::string saved_after(const std::exception& error);
  /// Weights, moments and what the teacher keeps: all that a resume copies back.
  NamedTensors learned() const;
  /// All that a checkpoint holds.
  NamedTensors tensors() const;
  StepContext context() const;
  double epoch() const;
  /// Evaluation and saving are not training time.
  void pause_for(const std::function<void()>& work);

  TrainerParts parts_;
  const TrainConfig& config_;
  TrainerState state_;
  LossStep loss_;
  TrainStep train_step_;
  StepBatches batches_;
  NamedTensors random_;  // the generators after the last whole step
  BestModel best_;
  Saver saver_;
  RunLog log_;
  TrainingClock clock_;
  std::optional<StepReport> unchecked_;  // a step that nobody has asked whether it was finite
  TrainingSummary summary_;
};

}  // namespace distill
