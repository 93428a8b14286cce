// The logic of the CUDA kernels, run on the CPU, against the fp64 kernel. On a GPU: tests/gpu.
#include "ops/cuda/fused_loss_cuda.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "cuda_cluster_emulation.h"
#include "fused_loss_cases.h"
#include "ops/cuda/fused_loss_block.cuh"
#include "ops/cuda/fused_loss_cluster.cuh"
#include "ops/plain_rows.h"

namespace distill {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// How a kernel is launched.
struct Launch {
  LossKernel kernel;
  unsigned clusters = 1;
  bool want_gradient = true;
};

template <Divergence D, class T>
void run(const LossRows& rows, int count, const FusedLoss& loss, const Launch& launch) {
  const cuda::Settings settings = cuda::make_settings(loss);
  if (launch.kernel == LossKernel::kOfBlocks) {
    emulation::Cluster::launch(
        {.blocks = static_cast<unsigned>(count), .threads = cuda::kBlockThreads},
        [&] { cuda::fused_loss_of_blocks<D, T>(rows, settings); });
    return;
  }
  const auto shape = cuda::SliceShape::of<T>(rows);
  ASSERT_LE(shape.chunks, cuda::kMostChunks);
  emulation::Cluster::launch(
      {.blocks = launch.clusters * cuda::kClusterBlocks,
       .threads = cuda::kClusterThreads,
       .cluster_blocks = cuda::kClusterBlocks,
       .block_memory = static_cast<size_t>(cuda::memory_of_block(shape))},
      [&] { cuda::fused_loss_of_clusters<D, T>(rows, count, shape, settings); });
}

FusedRowLosses emulate(const FusedRows& rows, const FusedLoss& loss, const Launch& launch) {
  const FusedRowLosses losses = empty_losses(rows, loss);
  const LossRows plain = plain_rows(rows, launch.want_gradient, losses);
  const auto count = static_cast<int>(rows.student.size(0));
  formula::with_divergence(loss.divergence, [&]<Divergence D>() {
    if (rows.student.scalar_type() == at::kFloat) {
      run<D, float>(plain, count, loss, launch);
    } else {
      run<D, cuda::Bfloat16Bits>(plain, count, loss, launch);
    }
  });
  return losses;
}

FusedRows copy_of(FusedRows rows) {
  rows.student = rows.student.clone();
  return rows;
}

class FusedLossCuda : public testing::TestWithParam<std::tuple<LossKernel, Divergence>> {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "AddressSanitizer does not follow jumps between stacks";
#endif
  }

  LossKernel kernel() const { return std::get<0>(GetParam()); }
  FusedLoss loss(double temperature, bool cross_entropy = true) const {
    return loss_of(std::get<1>(GetParam()), temperature, cross_entropy);
  }
  FusedRowLosses emulated(const FusedRows& rows, const FusedLoss& loss) const {
    return emulate(rows, loss, {.kernel = kernel()});
  }

  void expect_equal(const FusedRows& rows, const FusedLoss& loss) const {
    SCOPED_TRACE(testing::Message() << rows.student.scalar_type() << " T " << loss.temperature
                                    << " V " << rows.student.size(1));
    const Exact want = exact(rows, loss);
    expect_near(emulated(rows, loss), want.losses);
    expect_gradient(rows.student, want);
  }
};

TEST_P(FusedLossCuda, EqualsTheFp64Kernel) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const double temperature : {1.0, 2.0, 3.0}) {
      expect_equal(make_rows(3, type, 600, 530), loss(temperature));
    }
    expect_equal(make_rows(3, type, 7, 7), loss(2.0));
    expect_equal(make_rows(3, type, 1, 1), loss(1.0));
    expect_equal(make_rows(3, type, 530, 600), loss(4.0));
    expect_equal(make_rows(3, type, 520, 528, 1), loss(4.0));
    expect_equal(make_rows(3, type, 528, 520, 3), loss(2.0, false));
  }
}

// Several chunks of a cluster's slices: of rows that begin anywhere, of models aligned alike and
// not.
TEST_P(FusedLossCuda, EqualsTheFp64KernelOnWideRows) {
  expect_equal(make_rows(4, at::kFloat, 17001, 16999), loss(2.0));
  expect_equal(make_rows(4, at::kFloat, 17001, 17001), loss(3.0));
  expect_equal(make_rows(4, at::kBFloat16, 34001, 34000), loss(2.0));
  expect_equal(make_rows(4, at::kBFloat16, 34000, 34128), loss(1.0));
}

TEST_P(FusedLossCuda, EqualRowsGiveExactlyZero) {
  if (std::get<1>(GetParam()) == Divergence::kNone) GTEST_SKIP() << "no divergence";
  FusedRows rows = make_rows(4, at::kFloat, 9000, 9000);
  rows.teacher = rows.student.clone();
  const FusedRowLosses losses = emulated(rows, loss(2.0, false));
  EXPECT_EQ(losses.divergence.abs().max().item<double>(), 0.0);
  EXPECT_EQ(rows.student.abs().max().item<double>(), 0.0);
}

TEST_P(FusedLossCuda, MaskedColumnsWeightsAndScale) {
  FusedRows rows = make_rows(4, at::kFloat, 600, 600), plain = rows;
  for (const at::Tensor& logits : {rows.student, rows.teacher}) {
    logits.slice(1, 5, 40).fill_(-kInfinity);
  }
  rows.targets.fill_(2);
  plain.student = rows.student.clone();
  rows.weights = at::linspace(0, 2, 4, at::kFloat);
  rows.scale = at::full({}, 0.5, at::kFloat);
  const FusedRowLosses losses = emulated(rows, loss(2.0));
  emulated(plain, loss(2.0));
  EXPECT_TRUE(losses.cross_entropy.isfinite().all().item<bool>());
  EXPECT_TRUE(
      at::allclose(rows.student, plain.student * (rows.weights * 0.5).unsqueeze(1), 1e-5, 1e-9));
  EXPECT_EQ(rows.student[0].abs().max().item<double>(), 0.0);
}

TEST_P(FusedLossCuda, WhatIsWrongReachesTheLoss) {
  FusedRows rows = make_rows(4, at::kFloat, 700, 700);
  rows.targets[0] = 700;
  rows.student[1][650] = NAN;
  const FusedRowLosses losses = emulated(rows, loss(2.0));
  for (const int64_t row : {0, 1}) {
    EXPECT_TRUE(std::isnan(losses.cross_entropy[row].item<double>()));
    EXPECT_TRUE(rows.student[row].isnan().any().item<bool>());
  }
  EXPECT_EQ(losses.cross_entropy[2].item<double>(), 0.0);
  if (losses.divergence.defined()) {
    EXPECT_EQ(losses.divergence[2].item<double>(), 0.0);
  }
  EXPECT_TRUE(losses.cross_entropy[3].isfinite().item<bool>());
}

TEST_P(FusedLossCuda, WithoutAGradientOnlyTheLossesAreWritten) {
  for (const bool cross_entropy : {true, false}) {
    const FusedRows rows = make_rows(5, at::kBFloat16, 601, 590), read = copy_of(rows);
    const FusedRows written = copy_of(rows);
    const FusedRowLosses losses =
        emulate(read, loss(2.0, cross_entropy), {.kernel = kernel(), .want_gradient = false});
    EXPECT_TRUE(at::equal(read.student, rows.student));
    const FusedRowLosses same = emulated(written, loss(2.0, cross_entropy));
    for (const auto& [a, b] : {std::pair{losses.cross_entropy, same.cross_entropy},
                               {losses.divergence, same.divergence}}) {
      if (!a.defined()) continue;
      EXPECT_TRUE(at::equal(a, b));
    }
  }
}

TEST_P(FusedLossCuda, SameBitsEachTimeOnAnyGrid) {
  const FusedRows rows = make_rows(5, at::kBFloat16, 601, 603), one = copy_of(rows),
                  two = copy_of(rows);
  const FusedRowLosses losses = emulated(one, loss(2.0));
  const FusedRowLosses same = emulate(two, loss(2.0), {.kernel = kernel(), .clusters = 2});
  EXPECT_TRUE(at::equal(one.student, two.student));
  EXPECT_TRUE(at::equal(losses.cross_entropy, same.cross_entropy));
}

INSTANTIATE_TEST_SUITE_P(Blocks, FusedLossCuda,
                         testing::Combine(testing::Values(LossKernel::kOfBlocks),
                                          testing::ValuesIn(kDivergences)));
INSTANTIATE_TEST_SUITE_P(Clusters, FusedLossCuda,
                         testing::Combine(testing::Values(LossKernel::kOfClusters),
                                          testing::ValuesIn(kDivergences)));

}  // namespace
}  // namespace distill
