// The CUDA kernels on the device against the CPU's fp64 kernel and against each other: with a block
// a row, and with a cluster a row where the device has compute capability 9.x.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string_view>

#include "distill/ops/device.h"
#include "distill/ops/fused_loss.h"
#include "ops/cuda_library.h"
#include "ops/plain_rows.h"
#include "unit/ops/fused_loss_cases.h"

namespace distill {
namespace {

/// Strides are kept.
FusedRows on_gpu(const FusedRows& rows) {
  const auto moved = [](const at::Tensor& x) {
    at::Tensor wide = at::empty_strided({x.size(0), x.stride(0)}, {x.stride(0), 1},
                                        x.options().device(at::kCUDA));
    return wide.narrow(1, x.storage_offset(), x.size(1)).copy_(x);
  };
  FusedRows there;
  there.student = moved(rows.student);
  there.teacher = moved(rows.teacher);
  there.targets = rows.targets.to(at::kCUDA);
  return there;
}

struct Launched {
  FusedRowLosses losses;
  const char* error;
};

Launched launch(const FusedRows& rows, const FusedLoss& loss, LossKernel kernel,
                bool want_gradient = true) {
  const FusedRowLosses losses = empty_losses(rows, loss);
  return {losses, fused_loss_cuda()({.rows = plain_rows(rows, want_gradient, losses),
                                     .row_count = rows.student.size(0),
                                     .bfloat16 = rows.student.scalar_type() == at::kBFloat16,
                                     .kernel = kernel},
                                    loss)};
}

class FusedLossOnGpu : public testing::TestWithParam<std::tuple<LossKernel, Divergence>> {
 protected:
  void SetUp() override {
    if (resolve_device("auto").is_cpu()) GTEST_SKIP() << "no GPU";
    ASSERT_TRUE(has_fused_loss(at::kCUDA, at::kFloat))
        << "libdistill_cuda.so is not beside the program";
    const FusedRows rows = on_gpu(make_rows(1, at::kFloat, 7, 7));
    const char* error = launch(rows, loss(1.0), kernel()).error;
    if (error == nullptr) return;
    ASSERT_EQ(std::string_view(error), kNoClusters);
    GTEST_SKIP() << error;
  }

  LossKernel kernel() const { return std::get<0>(GetParam()); }
  FusedLoss loss(double temperature) const { return loss_of(std::get<1>(GetParam()), temperature); }

  FusedRowLosses run(const FusedRows& rows, const FusedLoss& loss,
                     bool want_gradient = true) const {
    const Launched launched = launch(rows, loss, kernel(), want_gradient);
    EXPECT_EQ(launched.error, nullptr) << launched.error;
    return launched.losses;
  }
};

TEST_P(FusedLossOnGpu, EqualsTheFp64Kernel) {
  const auto expect_equal = [&](const FusedRows& rows, double temperature) {
    SCOPED_TRACE(testing::Message() << rows.student.scalar_type() << " T " << temperature << " V "
                                    << rows.student.size(1) << ' ' << rows.teacher.size(1));
    const FusedRows own = on_gpu(rows);
    const FusedRowLosses got = run(own, loss(temperature));
    const Exact want = exact(rows, loss(temperature));
    expect_near(got, want.losses);
    expect_gradient(own.student, want);
  };
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const double temperature : {1.0, 2.0, 3.0, 4.0}) {
      expect_equal(make_rows(6, type, 151936, 152064), temperature);
    }
    expect_equal(make_rows(6, type, 151936, 151936), 2.0);
    expect_equal(make_rows(6, type, 50257, 50257), 2.0);
    expect_equal(make_rows(6, type, 50264, 50257), 2.0);
    expect_equal(make_rows(6, type, 49152, 49152, 3), 2.0);
    expect_equal(make_rows(6, type, 1001, 999, 1), 2.0);
    expect_equal(make_rows(6, type, 7, 9), 2.0);
  }
}

// More rows than there are clusters on any device, so that slices are refilled.
TEST_P(FusedLossOnGpu, EqualsTheKernelOfBlocks) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const FusedRows rows = make_rows(500, type, 50257, 50257);
    const FusedRows own = on_gpu(rows), other = on_gpu(rows);
    const FusedRowLosses got = run(own, loss(2.0));
    const Launched want = launch(other, loss(2.0), LossKernel::kOfBlocks);
    ASSERT_EQ(want.error, nullptr) << want.error;
    expect_near(got, want.losses);
    const at::Tensor a = own.student.to(at::kDouble), b = other.student.to(at::kDouble);
    EXPECT_LT((a - b).norm().item<double>(),
              (type == at::kFloat ? 1e-5 : 4e-3) * b.norm().item<double>());
  }
}

TEST_P(FusedLossOnGpu, SameBitsEachTime) {
  const FusedRows rows = make_rows(100, at::kBFloat16, 151936, 151936);
  const FusedRows one = on_gpu(rows), two = on_gpu(rows);
  run(one, loss(2.0));
  run(two, loss(2.0));
  EXPECT_TRUE(at::equal(one.student, two.student));
  if (kernel() != LossKernel::kOfClusters) return;
  const FusedRows chosen = on_gpu(rows);  // where clusters work, such rows are for them
  fused_loss(chosen, loss(2.0), true);
  EXPECT_TRUE(at::equal(one.student, chosen.student));
}

TEST_P(FusedLossOnGpu, WithoutAGradientOnlyTheLossesAreWritten) {
  const FusedRows rows = on_gpu(make_rows(300, at::kBFloat16, 50257, 50264));
  const at::Tensor before = rows.student.clone();
  const FusedRowLosses losses = run(rows, loss(2.0), false);
  EXPECT_TRUE(at::equal(rows.student, before));
  const FusedRowLosses same = run(rows, loss(2.0));
  EXPECT_TRUE(at::equal(losses.cross_entropy, same.cross_entropy));
}

TEST_P(FusedLossOnGpu, ATargetOutsideTheVocabularyIsNan) {
  FusedRows rows = make_rows(16, at::kFloat, 700, 700);
  rows.targets[0] = 700;
  const FusedRows own = on_gpu(rows);
  const FusedRowLosses losses = run(own, loss(2.0));
  EXPECT_TRUE(losses.cross_entropy[0].isnan().item<bool>());
  EXPECT_TRUE(losses.cross_entropy[1].isfinite().item<bool>());
}

// In fp32, a cluster's shared memory takes 231,000 columns of two models.
TEST_P(FusedLossOnGpu, RowsThatDoNotFitGoToTheKernelOfBlocks) {
  const FusedRows rows = make_rows(3, at::kFloat, 300000, 300000);
  const FusedRows own = on_gpu(rows);
  if (std::get<1>(GetParam()) != Divergence::kNone && kernel() == LossKernel::kOfClusters) {
    const char* error = launch(own, loss(2.0), kernel()).error;
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(std::string_view(error), kTooWideForCluster);
  }
  const FusedRowLosses got = fused_loss(own, loss(2.0), true);
  const Exact want = exact(rows, loss(2.0));
  expect_near(got, want.losses);
  expect_gradient(own.student, want);
}

INSTANTIATE_TEST_SUITE_P(Blocks, FusedLossOnGpu,
                         testing::Combine(testing::Values(LossKernel::kOfBlocks),
                                          testing::ValuesIn(kDivergences)));
INSTANTIATE_TEST_SUITE_P(Clusters, FusedLossOnGpu,
                         testing::Combine(testing::Values(LossKernel::kOfClusters),
                                          testing::ValuesIn(kDivergences)));

}  // namespace
}  // namespace distill
