// A source of batches that a test writes down.
#pragma once

#include <optional>
#include <stdexcept>
#include <vector>

#include "distill/core/error.h"
#include "distill/data/batch_source.h"
#include "unit/model/tiny_models.h"

namespace distill::tests {

/// `per_epoch` batches of two random documents an epoch, the same ones in each.
class FakeSource final : public BatchSource {
 public:
  /// `foretold`: the last batch of an epoch says that it is, as it cannot where the records behind
  /// it turn out to be bad.
  explicit FakeSource(int64_t per_epoch, bool foretold = true)
      : per_epoch_(per_epoch), foretold_(foretold) {}

  Batch next() override {
    if (state_.batch == per_epoch_) state_ = {0, state_.epoch + 1, 0, 0};
    const int64_t number = state_.epoch * per_epoch_ + state_.batch;
    if (bad_ && number == *bad_) throw DataError("data.jsonl:9: not a record");
    const auto seed = static_cast<uint64_t>(100 * state_.batch);
    Batch batch = make_batch({random_document(9, seed), random_document(6, seed + 1)});
    for (SampleRef& sample : batch.samples) sample.record = number;
    batch.epoch = state_.epoch;
    if (++state_.batch == per_epoch_ && foretold_) state_ = {0, state_.epoch + 1, 0, 0};
    batch.after = state_;
    report_.documents += 2;
    return batch;
  }
  void seek(const StreamState& state) override { state_ = state; }
  const DataReport& report() const override { return report_; }
  std::string place(const SampleRef& sample) const override {
    return "data.jsonl:" + std::to_string(sample.record + 1);
  }

  /// The batch of this number, counted over all epochs, cannot be read.
  void spoil(std::optional<int64_t> number) { bad_ = number; }

 private:
  int64_t per_epoch_;
  bool foretold_;
  std::optional<int64_t> bad_;
  StreamState state_;
  DataReport report_;
};

}  // namespace distill::tests
