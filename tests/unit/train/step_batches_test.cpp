#include "train/step_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/train/fake_source.h"

namespace distill {
namespace {

using testing::ElementsAre;

std::vector<int64_t> records(const std::vector<Batch>& batches) {
  std::vector<int64_t> all;
  for (const Batch& batch : batches) all.push_back(batch.samples.front().record);
  return all;
}

TEST(StepBatches, TheLastStepOfAnEpochTakesWhatIsLeft) {
  for (const bool foretold : {true, false}) {
    tests::FakeSource source(3, foretold);
    StepBatches batches(source, 2);
    EXPECT_THAT(records(batches.next()), ElementsAre(0, 1));
    EXPECT_THAT(records(batches.next()), ElementsAre(2));
    EXPECT_EQ(batches.report().documents, 6) << "what was read ahead is not reported yet";
    EXPECT_THAT(records(batches.next()), ElementsAre(3, 4));
    EXPECT_EQ(batches.report().documents, 10);
  }
}

TEST(StepBatches, AStepThatIsCompleteDoesNotAskForTheNextEpoch) {
  tests::FakeSource source(3);
  source.spoil(3);
  StepBatches batches(source, 2);
  batches.next();
  EXPECT_THAT(records(batches.next()), ElementsAre(2));
  EXPECT_THROW(batches.next(), DataError);
}

TEST(StepBatches, AnEpochSmallerThanAStepIsAStep) {
  tests::FakeSource source(3);
  StepBatches batches(source, 8);
  EXPECT_THAT(records(batches.next()), ElementsAre(0, 1, 2));
  EXPECT_THAT(records(batches.next()), ElementsAre(3, 4, 5));
}

TEST(StepBatches, SeekingForgetsWhatWasHeld) {
  tests::FakeSource source(3, /*foretold=*/false);
  StepBatches batches(source, 2);
  const std::vector<Batch> first = batches.next();
  batches.next();
  batches.seek(first.back().after);
  EXPECT_THAT(records(batches.next()), ElementsAre(2));
}

}  // namespace
}  // namespace distill
