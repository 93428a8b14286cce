// The CUDA kernels against the CPU's fp64 kernel, on the device.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distill/ops/device.h"
#include "distill/ops/fused_loss.h"

namespace distill {
namespace {

const Divergence kDivergences[] = {Divergence::kNone,
                                   Divergence::kForwardKl,
                                   Divergence::kReverseKl,
                                   Divergence::kSymmetricKl,
                                   Divergence::kJsd,
                                   Divergence::kSkewedForwardKl,
                                   Divergence::kSkewedReverseKl,
                                   Divergence::kTotalVariation,
                                   Divergence::kMseLogits};

class FusedLossOnGpu : public testing::TestWithParam<Divergence> {
 protected:
  void SetUp() override {
    if (resolve_device("auto").is_cpu()) GTEST_SKIP() << "no GPU";
    ASSERT_TRUE(has_fused_loss(at::kCUDA)) << "libdistill_cuda.so is not beside the program";
  }

  FusedLoss loss(double temperature) const {
    return {.divergence = GetParam(),
            .temperature = temperature,
            .ratio = 0.3,
            .cross_entropy = true,
            .divergence_scale = 0.6,
            .cross_entropy_scale = 0.7};
  }
};

/// On the CPU; `offset` moves the rows off 16 bytes.
FusedRows make_rows(at::ScalarType type, int64_t students, int64_t teachers, int64_t offset) {
  at::manual_seed(5);
  const auto logits = [&](int64_t width) {
    return (at::randn({16, width + 2 * offset}) * 3).to(type).narrow(1, offset, width);
  };
  FusedRows rows;
  rows.student = logits(students);
  rows.teacher = logits(teachers);
  rows.targets = at::randint(0, students, {16}, at::kLong);
  rows.targets[2] = -100;
  return rows;
}

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

TEST_P(FusedLossOnGpu, EqualsTheFp64Kernel) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const double temperature : {1.0, 2.0, 3.0, 4.0}) {
      for (const auto& [students, teachers, offset] :
           {std::tuple<int64_t, int64_t, int64_t>{151936, 152064, 0},
            {49152, 49152, 0},
            {1001, 999, 1},
            {7, 9, 0}}) {
        SCOPED_TRACE(testing::Message() << type << " T " << temperature << " V " << students);
        const FusedRows rows = make_rows(type, students, teachers, offset);
        const FusedRows own = on_gpu(rows);
        const FusedRowLosses got = fused_loss(own, loss(temperature), true);
        FusedRows exact = rows;
        exact.student = rows.student.to(at::kDouble);
        exact.teacher = rows.teacher.to(at::kDouble);
        const auto norm = [&](const at::Tensor& logits) {
          return (logits / temperature).softmax(-1).norm().item<double>();
        };
        const double size = temperature * (norm(exact.student) + norm(exact.teacher));
        const FusedRowLosses want = fused_loss(exact, loss(temperature), true);
        EXPECT_TRUE(
            at::allclose(got.cross_entropy.cpu().to(at::kDouble), want.cross_entropy, 1e-5, 1e-6));
        if (want.divergence.defined()) {
          EXPECT_TRUE(
              at::allclose(got.divergence.cpu().to(at::kDouble), want.divergence, 1e-5, 1e-6));
        }
        const at::Tensor rounding = exact.student.to(type).to(at::kDouble) - exact.student;
        const at::Tensor error = own.student.cpu().to(at::kDouble) - exact.student;
        EXPECT_LT(error.norm().item<double>(), 2e-6 * size + 1.01 * rounding.norm().item<double>());
      }
    }
  }
}

TEST_P(FusedLossOnGpu, SameBitsEachTime) {
  const FusedRows rows = make_rows(at::kBFloat16, 151936, 151936, 0);
  const FusedRows one = on_gpu(rows), two = on_gpu(rows);
  fused_loss(one, loss(2.0), true);
  fused_loss(two, loss(2.0), true);
  EXPECT_TRUE(at::equal(one.student, two.student));
}

TEST_P(FusedLossOnGpu, ATargetOutsideTheVocabularyIsNan) {
  FusedRows rows = make_rows(at::kFloat, 700, 700, 0);
  rows.targets[0] = 700;
  const FusedRows own = on_gpu(rows);
  const FusedRowLosses losses = fused_loss(own, loss(2.0), true);
  EXPECT_TRUE(losses.cross_entropy[0].isnan().item<bool>());
  EXPECT_TRUE(losses.cross_entropy[1].isfinite().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(All, FusedLossOnGpu, testing::ValuesIn(kDivergences));

}  // namespace
}  // namespace distill
