// What a run tells of itself: events.jsonl, log lines, the progress line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "distill/core/progress.h"
#include "distill/eval/fidelity.h"
#include "distill/train/event_log.h"
#include "distill/train/train_step.h"

namespace distill {

/// Where the run stands when a step is logged.
struct StepPlace {
  int64_t step = 0;
  double epoch = 0.0;
  int64_t tokens = 0;  ///< consumed so far
  double tokens_per_second = 0.0;
};

class RunLog {
 public:
  /// `labels`: the names of a report's terms.
  RunLog(std::filesystem::path events, std::vector<std::string> labels)
      : path_(std::move(events)), labels_(std::move(labels)) {}

  /// Opens the events, to be called before all that follows; shows progress from now on. Throws
  /// DataError.
  void begin(int64_t done, int64_t total);
  void end() { progress_.reset(); }
  /// Time that is not training.
  void pause(std::chrono::steady_clock::duration time);

  /// A sync with the device. Throws DataError (a full disk).
  void step(const StepReport& report, const StepPlace& place);
  void evaluation(const Fidelity& fidelity, int64_t step);

 private:
  std::filesystem::path path_;
  std::optional<EventLog> events_;
  std::vector<std::string> labels_;
  int64_t total_ = 0;
  std::unique_ptr<ProgressLine> progress_;
};

}  // namespace distill
