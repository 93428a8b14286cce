// The CUDA kernel's logic, run on the CPU, against the fp64 kernel. On a GPU: tests/gpu.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "cuda_emulation.h"
#include "distill/ops/fused_loss.h"
#include "ops/cuda/fused_loss_kernel.cuh"
#include "ops/plain_rows.h"

namespace distill {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

FusedRowLosses emulate(const FusedRows& rows, const FusedLoss& loss) {
  const FusedRowLosses losses = empty_losses(rows, loss);
  const LossRows plain = plain_rows(rows, true, losses);
  const auto run = [&]<Divergence D>() {
    const auto blocks = static_cast<unsigned>(rows.student.size(0));
    emulation::Block::launch(blocks, cuda::kThreads, [&] {
      if (rows.student.scalar_type() == at::kFloat) {
        cuda::fused_loss_kernel<D, float>(plain, cuda::make_settings(loss));
      } else {
        cuda::fused_loss_kernel<D, cuda::Bfloat16Bits>(plain, cuda::make_settings(loss));
      }
    });
  };
  formula::with_divergence(loss.divergence, run);
  return losses;
}

/// Row 2 is ignored. `offset` moves the rows off 16 bytes.
FusedRows make_rows(at::ScalarType type, int64_t students, int64_t teachers, int64_t offset = 0) {
  at::manual_seed(5);
  const auto logits = [&](int64_t width) {
    return at::empty({4, width + 2 * offset}, type)
        .narrow(1, offset, width)
        .copy_(at::randn({4, width}, at::kDouble) * 3);
  };
  FusedRows rows;
  rows.student = logits(students);
  rows.teacher = logits(teachers);
  rows.targets = at::randint(0, students, {4}, at::kLong);
  rows.targets[2] = -100;
  return rows;
}

class FusedLossCuda : public testing::TestWithParam<Divergence> {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "AddressSanitizer does not follow jumps between stacks";
#endif
  }

  FusedLoss loss(double temperature, bool hard = true) const {
    return {.divergence = GetParam(),
            .temperature = temperature,
            .ratio = 0.3,
            .cross_entropy = hard,
            .divergence_scale = 0.6,
            .cross_entropy_scale = 0.7};
  }

  void expect_equal(FusedRows rows, const FusedLoss& loss) const {
    FusedRows exact = rows;
    exact.student = rows.student.to(at::kDouble).contiguous();
    exact.teacher = rows.teacher.to(at::kDouble).contiguous();
    const auto norm = [&](const at::Tensor& logits) {
      return (logits / loss.temperature).softmax(-1).norm().item<double>();
    };
    const double size = loss.temperature * (norm(exact.student) + norm(exact.teacher));
    const FusedRowLosses want = fused_loss(exact, loss, true);
    const FusedRowLosses got = emulate(rows, loss);
    const auto near = [](const at::Tensor& a, const at::Tensor& b) {
      EXPECT_TRUE(at::allclose(a.to(at::kDouble), b, 1e-5, 1e-6)) << a << b;
    };
    if (loss.cross_entropy) near(got.cross_entropy, want.cross_entropy);
    if (want.divergence.defined()) near(got.divergence, want.divergence);
    const at::Tensor rounded =
        exact.student.to(rows.student.scalar_type()).to(at::kDouble) - exact.student;
    const double error = (rows.student.to(at::kDouble) - exact.student).norm().item<double>();
    EXPECT_LT(error, 2e-6 * size + 1.01 * rounded.norm().item<double>());
  }
};

TEST_P(FusedLossCuda, EqualsTheFp64Kernel) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const auto& [students, teachers] : {std::pair<int64_t, int64_t>{7, 7}, {600, 530}}) {
      for (const double temperature : {1.0, 2.0, 3.0}) {
        SCOPED_TRACE(testing::Message() << type << " T " << temperature << " V " << students);
        expect_equal(make_rows(type, students, teachers), loss(temperature));
      }
    }
    expect_equal(make_rows(type, 17001, 16999), loss(2.0));
    expect_equal(make_rows(type, 520, 528, 1), loss(4.0));
    expect_equal(make_rows(type, 528, 520, 1), loss(2.0, false));
  }
}

TEST_P(FusedLossCuda, EqualRowsGiveExactlyZero) {
  if (GetParam() == Divergence::kNone) GTEST_SKIP() << "no divergence";
  FusedRows rows = make_rows(at::kFloat, 9000, 9000);
  rows.teacher = rows.student.clone();
  const FusedRowLosses losses = emulate(rows, loss(2.0, false));
  EXPECT_EQ(losses.divergence.abs().max().item<double>(), 0.0);
  EXPECT_EQ(rows.student.abs().max().item<double>(), 0.0);
}

TEST_P(FusedLossCuda, MaskedColumnsWeightsAndScale) {
  FusedRows rows = make_rows(at::kFloat, 600, 600), plain = rows;
  for (const at::Tensor& logits : {rows.student, rows.teacher}) {
    logits.slice(1, 5, 40).fill_(-kInfinity);
  }
  rows.targets.fill_(2);
  plain.student = rows.student.clone();
  rows.weights = at::linspace(0, 2, 4, at::kFloat);
  rows.scale = at::full({}, 0.5, at::kFloat);
  const FusedRowLosses losses = emulate(rows, loss(2.0));
  emulate(plain, loss(2.0));
  EXPECT_TRUE(losses.cross_entropy.isfinite().all().item<bool>());
  EXPECT_TRUE(
      at::allclose(rows.student, plain.student * (rows.weights * 0.5).unsqueeze(1), 1e-5, 1e-9));
  EXPECT_EQ(rows.student[0].abs().max().item<double>(), 0.0);
}

TEST_P(FusedLossCuda, WhatIsWrongReachesTheLoss) {
  FusedRows rows = make_rows(at::kFloat, 700, 700);
  rows.targets[0] = 700;
  rows.student[1][650] = NAN;
  const FusedRowLosses losses = emulate(rows, loss(2.0));
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

INSTANTIATE_TEST_SUITE_P(All, FusedLossCuda,
                         testing::Values(Divergence::kNone, Divergence::kForwardKl,
                                         Divergence::kReverseKl, Divergence::kSymmetricKl,
                                         Divergence::kJsd, Divergence::kSkewedForwardKl,
                                         Divergence::kSkewedReverseKl, Divergence::kTotalVariation,
                                         Divergence::kMseLogits));

}  // namespace
}  // namespace distill
