// The training loop: batches in, steps, evaluations and checkpoints out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distill/core/progress.h"
#include "distill/data/prefetch.h"
#include "distill/eval/fidelity.h"
#include "distill/train/checkpoint.h"
#include "distill/train/event_log.h"
#include "distill/train/run_config.h"
#include "distill/train/run_folder.h"
#include "distill/train/train_step.h"

namespace distill {

/// What a run starts from. The members outlive the trainer.
struct TrainerParts {
  const RunConfig* config = nullptr;
  const RunFolder* folder = nullptr;
  Transformer* student = nullptr;
  const LiveTeacher* teacher = nullptr;  ///< null: none
  Prefetcher* stream = nullptr;
  const Dataset* data = nullptr;  ///< what the stream reads: errors name its records
  std::vector<Batch> eval_batches;
  int64_t total_steps = 0;
  int64_t batches_per_epoch = 0;  ///< 0: unknown
  std::filesystem::path tokenizer_folder;
  /// Keys and hashes that a resumed run must share.
  std::vector<std::pair<std::string, std::string>> identity;
};

/// What a finished run reports: of this process, which may have resumed another one's work.
struct TrainingSummary {
  int64_t first_step = 1;  ///< one past the checkpoint's after a resume
  int64_t last_step = 0;   ///< below first_step: there was no step left
  int64_t tokens = 0;
  double seconds = 0.0;  ///< of training: without evaluation and saving
  double tokens_per_second = 0.0;
  double first_loss = 0.0;  ///< of first_step
  double last_loss = 0.0;   ///< of last_step
  std::optional<Fidelity> before;
  std::optional<Fidelity> after;
};

class Trainer {
 public:
  explicit Trainer(TrainerParts parts);

  /// Restores everything from a checkpoint of this run: see check_identity. Throws CheckpointError.
  void resume(const LoadedCheckpoint& checkpoint);
  /// True once all steps are done.
  bool finished() const { return state_.step >= parts_.total_steps; }

  /// Runs to the end and writes final/. On SIGINT or SIGTERM saves a checkpoint and throws
  /// Interrupted; a loss or norm that is not finite throws TrainingError that names the records.
  TrainingSummary run();

 private:
  struct Interval {  // since the last log line
    int64_t tokens = 0;
    int64_t steps = 0;
    std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  };

  void train();
  /// Saves a checkpoint and throws the error with where it is.
  [[noreturn]] void save_after(const std::exception& error);
  StepReport step();
  /// Throws TrainingError. A sync: before what would keep the step's results.
  void require_finite(const StepReport& report) const;
  void log(const StepReport& report);
  /// The records of a step that was not finite, and what can be done.
  std::string advice(const std::vector<SampleRef>& samples) const;
  void forget_best_of_another_metric();
  StepContext context() const;
  Fidelity evaluate();
  /// Evaluates, follows the best metric; true where training should stop early.
  bool evaluate_and_follow();
  void save();
  void write_model(const std::filesystem::path& folder) const;
  void write_final() const;
  /// Evaluation and saving are not training time.
  void pause(std::chrono::steady_clock::duration time);
  std::vector<std::pair<std::string, at::Tensor>> tensors() const;
  double epoch() const;

  TrainerParts parts_;
  TrainStep train_step_;
  CheckpointStore checkpoints_;
  EventLog events_;
  TrainerState state_;
  Interval interval_;
  std::chrono::steady_clock::duration paused_{};
  TrainingSummary summary_;
  std::unique_ptr<ProgressLine> progress_;
};

}  // namespace distill
