#include "distill/flow/batch.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace distill {
namespace {

std::vector<int64_t> list(const at::Tensor& tensor) {
  return {tensor.data_ptr<int64_t>(), tensor.data_ptr<int64_t>() + tensor.numel()};
}

TEST(MakeBatch, ShiftsTargetsInsideEachDocument) {
  const Batch batch =
      make_batch({{{5, 6, 7}, {true, false, true}, {}}, {{8, 9}, {true, true}, {}}});
  EXPECT_EQ(list(batch.tokens), (std::vector<int64_t>{5, 6, 7, 8, 9}));
  EXPECT_EQ(list(batch.positions), (std::vector<int64_t>{0, 1, 2, 0, 1}));
  // 6 is masked; 8 starts a document and is nobody's target; the last tokens predict nothing.
  EXPECT_EQ(list(batch.targets), (std::vector<int64_t>{kIgnore, 7, kIgnore, 9, kIgnore}));
  EXPECT_EQ(list(batch.loss_rows), (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(batch.bounds, (std::vector<int32_t>{0, 3, 5}));
  EXPECT_EQ(batch.max_length, 3);
  EXPECT_EQ(batch.token_count(), 5);
  EXPECT_EQ(batch.document_count(), 2);
  EXPECT_EQ(batch.loss_token_count(), 2);
}

TEST(LossRowDocuments, AreThoseOfTheBounds) {
  const Batch batch = make_batch({{{5, 6, 7}, {true, false, true}, {}},
                                  {{4}, {true}, {}},
                                  {{8, 9, 9}, {true, true, true}, {}}});
  EXPECT_EQ(list(batch.loss_rows), (std::vector<int64_t>{1, 4, 5}));
  EXPECT_EQ(list(loss_row_documents(batch)), (std::vector<int64_t>{0, 2, 2}));
}

TEST(MakeBatch, RefusesAMaskOfAnotherLength) {
  EXPECT_ANY_THROW(make_batch({{{1, 2}, {true}, {}}}));
  EXPECT_ANY_THROW(make_batch({{{}, {}, {}}}));
}

}  // namespace
}  // namespace distill
