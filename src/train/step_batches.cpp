#include "train/step_batches.h"

namespace distill {

Batch StepBatches::take() {
  if (!held_) {
    Batch batch = source_.next();
    report_ = source_.report();
    return batch;
  }
  Batch batch = std::move(*held_);
  held_.reset();
  report_ = held_report_;
  return batch;
}

std::vector<Batch> StepBatches::next() {
  std::vector<Batch> batches;
  batches.push_back(take());
  // Most ends of an epoch are known from the batch before; where records at the end were dropped,
  // from the first one of the next.
  while (batches.size() < accumulation_ && batches.back().after.epoch == batches.front().epoch) {
    const DataReport before = report_;
    Batch batch = take();
    if (batch.epoch != batches.front().epoch) {
      held_ = std::move(batch);
      held_report_ = report_;
      report_ = before;
      break;
    }
    batches.push_back(std::move(batch));
  }
  return batches;
}

void StepBatches::seek(const StreamState& state) {
  held_.reset();
  source_.seek(state);
}

}  // namespace distill
