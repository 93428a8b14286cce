// What a run reports at its end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "distill/eval/fidelity.h"

namespace distill {

/// Of this process, which may have resumed another one's work.
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

/// The summary as a table for a person.
std::string format_summary(const TrainingSummary& summary, const std::filesystem::path& folder);

}  // namespace distill
