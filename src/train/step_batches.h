// The micro-batches of an optimizer step.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "distill/data/batch_source.h"

namespace distill {

/// `accumulation` batches a step. The last step of an epoch takes what is left: no step mixes two
/// epochs, so the same documents make the same steps however they are cut into micro-batches.
class StepBatches {
 public:
  StepBatches(BatchSource& source, int64_t accumulation)
      : source_(source), accumulation_(static_cast<size_t>(accumulation)) {}

  std::vector<Batch> next();
  void seek(const StreamState& state);
  /// Records behind the steps that `next` has returned.
  const DataReport& report() const { return report_; }

 private:
  Batch take();

  BatchSource& source_;
  size_t accumulation_;
  std::optional<Batch> held_;  // read, of the next epoch
  DataReport report_, held_report_;
};

}  // namespace distill
