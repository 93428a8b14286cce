// What the units of a batch are, and how micro-batches add up.
#include "distill/objective/loss_unit.h"

#include <gtest/gtest.h>

namespace distill {
namespace {

/// 7 tokens in two documents, 4 of them with a target.
Batch some_batch() {
  Document first, second;
  first.tokens = {1, 2, 3, 4};
  first.is_target = {true, true, true, true};
  second.tokens = {5, 6, 7};
  second.is_target = {false, false, true};
  return make_batch({first, second});
}

TEST(UnitCounts, OfABatch) {
  const UnitCounts counts = UnitCounts::of(some_batch());
  EXPECT_EQ(counts[LossUnit::kLossToken], 4);
  EXPECT_EQ(counts[LossUnit::kToken], 7);
  EXPECT_EQ(counts[LossUnit::kDocument], 2);
  EXPECT_EQ(counts[LossUnit::kGroup], 2);
}

TEST(UnitCounts, AGroupMayHoldSeveralDocuments) {
  Batch batch = some_batch();
  batch.groups = 1;
  EXPECT_EQ(UnitCounts::of(batch)[LossUnit::kGroup], 1);
  EXPECT_EQ(UnitCounts::of(batch)[LossUnit::kDocument], 2);
}

TEST(UnitCounts, AddUpOverMicroBatches) {
  UnitCounts counts;
  for (int i = 0; i < 3; ++i) counts += UnitCounts::of(some_batch());
  EXPECT_EQ(counts[LossUnit::kLossToken], 12);
  EXPECT_EQ(counts[LossUnit::kToken], 21);
  EXPECT_EQ(counts[LossUnit::kDocument], 6);
  EXPECT_EQ(counts[LossUnit::kGroup], 6);
}

}  // namespace
}  // namespace distill
