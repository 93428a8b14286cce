// The fused loss against its formulas, written with ATen and differentiated by autograd in fp64.
#include "distill/ops/fused_loss.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>

#include "fused_loss_cases.h"
#include "ops/cpu/fused_loss_cpu.h"

namespace distill {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor kl(const at::Tensor& p, const at::Tensor& q) {
  const at::Tensor ratio = (p / q).masked_fill(p == 0, 1);
  return (p * ratio.log()).sum(-1);
}

/// [R], with T^2.
at::Tensor defined_divergence(const at::Tensor& student, const at::Tensor& teacher,
                              const FusedLoss& loss) {
  const int64_t common = std::min(student.size(1), teacher.size(1));
  const at::Tensor s = student.narrow(1, 0, common) / loss.temperature;
  const at::Tensor t = teacher.narrow(1, 0, common) / loss.temperature;
  const at::Tensor p = s.softmax(-1), q = t.softmax(-1);
  const double square = loss.temperature * loss.temperature, r = loss.ratio;
  switch (loss.divergence) {
    case Divergence::kForwardKl:
      return square * kl(q, p);
    case Divergence::kReverseKl:
      return square * kl(p, q);
    case Divergence::kSymmetricKl:
      return square * (r * kl(q, p) + (1 - r) * kl(p, q));
    case Divergence::kJsd: {
      const at::Tensor m = r * q + (1 - r) * p;
      return square * (r * kl(q, m) + (1 - r) * kl(p, m));
    }
    case Divergence::kSkewedForwardKl:
      return square * kl(q, r * q + (1 - r) * p);
    case Divergence::kSkewedReverseKl:
      return square * kl(p, (1 - r) * q + r * p);
    case Divergence::kTotalVariation:
      return square * (p - q).abs().sum(-1) / 2;
    case Divergence::kMseLogits: {
      const at::Tensor masked = at::isinf(s).logical_or(at::isinf(t));
      const at::Tensor kept = masked.logical_not().sum(-1);
      return square * (s - t).masked_fill(masked, 0).square().sum(-1) / kept;
    }
    case Divergence::kNone:
      break;
  }
  return at::zeros({student.size(0)}, at::kDouble);
}

struct Expected {
  at::Tensor cross_entropy, divergence, gradient;
  double size;  // |p| + |q| in L2, times T: what the error of a gradient is measured by
};

Expected expected(const FusedRows& rows, const FusedLoss& loss) {
  const at::Tensor student = rows.student.to(at::kDouble).detach().requires_grad_(true);
  Expected out;
  out.cross_entropy = -student.log_softmax(-1).gather(1, rows.targets.unsqueeze(1)).squeeze(1);
  at::Tensor total = loss.cross_entropy_scale * out.cross_entropy;
  if (loss.divergence != Divergence::kNone) {
    out.divergence = defined_divergence(student, rows.teacher.to(at::kDouble), loss);
    total = total + loss.divergence_scale * out.divergence;
  }
  if (rows.weights.defined()) total = total * rows.weights;
  const auto norm = [&](const at::Tensor& logits) {
    return (logits.detach().to(at::kDouble) / loss.temperature).softmax(-1).norm().item<double>();
  };
  out.size = loss.temperature * (norm(rows.student) + norm(rows.teacher));
  out.gradient = torch::autograd::grad({total.sum()}, {student})[0];
  return out;
}

FusedRows make_rows(at::ScalarType type, int64_t students, int64_t teachers, double size = 3.0) {
  at::manual_seed(11);
  FusedRows rows;
  rows.student = (at::randn({6, students}, at::kDouble) * size).to(type);
  rows.teacher = (at::randn({6, teachers}, at::kDouble) * size).to(type);
  rows.targets = at::randint(0, students, {6}, at::kLong);
  return rows;
}

FusedRows copy_of(FusedRows rows) {
  rows.student = rows.student.clone();
  return rows;
}

/// Gradients within 2e-6 of T (|p| + |q|), row losses within 1e-6 + 1e-5 |x|, or `precision` times
/// that. At T = 100 a divergence is tiny before T^2, which multiplies its rounding too.
void expect_equal(const FusedRows& rows, const FusedLoss& loss, const LossRowsFunctions& functions,
                  double precision = 1.0) {
  const Expected want = expected(rows, loss);
  const FusedRows own = copy_of(rows);
  const FusedRowLosses losses = fused_loss_cpu(own, loss, true, functions);
  const double square = loss.temperature > 10.0 ? loss.temperature * loss.temperature : 1.0;
  const auto near = [&](const at::Tensor& a, const at::Tensor& b, double loosened) {
    EXPECT_TRUE(at::allclose(a.to(at::kDouble), b.detach(), 1e-5 * loosened, 1e-6 * loosened))
        << a << b;
  };
  if (losses.cross_entropy.defined()) near(losses.cross_entropy, want.cross_entropy, precision);
  if (losses.divergence.defined()) near(losses.divergence, want.divergence, precision * square);
  EXPECT_LT((own.student.to(at::kDouble) - want.gradient).norm().item<double>(),
            2e-6 * precision * want.size);
}

/// Each divergence on each class of processor that this one can stand for.
class FusedLossOf : public testing::TestWithParam<std::tuple<Divergence, LossRowsFunctions>> {
 protected:
  Divergence divergence() const { return std::get<0>(GetParam()); }
  const LossRowsFunctions& functions() const { return std::get<1>(GetParam()); }

  FusedRowLosses run(const FusedRows& rows, const FusedLoss& loss) const {
    return fused_loss_cpu(rows, loss, true, functions());
  }

  FusedLoss loss(double temperature, double hard = 0.7) const {
    return {.divergence = divergence(),
            .temperature = temperature,
            .ratio = 0.3,
            .cross_entropy = hard != 0.0,
            .divergence_scale = 0.6,
            .cross_entropy_scale = hard};
  }
};

TEST_P(FusedLossOf, EqualsItsFormula) {
  for (const double temperature : {0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 100.0}) {
    for (const double hard : {0.0, 0.7}) {
      for (const auto& [students, teachers] :
           {std::pair<int64_t, int64_t>{7, 7}, {600, 530}, {513, 1200}, {1, 1}}) {
        SCOPED_TRACE(testing::Message() << "T " << temperature << " hard " << hard << " V "
                                        << students << ' ' << teachers);
        // A reverse KL's gradient is p times the gap of the two models: p's rounding counts that
        // many times, and 200 nats (T = 0.1, deviation 3) are too many for the bar.
        const double size = temperature < 0.5 ? 1.0 : 3.0;
        for (const auto& [type, precision] : {std::pair{at::kFloat, 1.0}, {at::kDouble, 1e-5}}) {
          expect_equal(make_rows(type, students, teachers, size), loss(temperature, hard),
                       functions(), precision);
        }
      }
    }
  }
}

TEST_P(FusedLossOf, RoundsToBfloat16OnlyOnce) {
  const FusedRows rows = make_rows(at::kBFloat16, 700, 700);
  const Expected want = expected(rows, loss(2.0));
  const FusedRows own = copy_of(rows);
  run(own, loss(2.0));
  const double rounding =
      (want.gradient.to(at::kBFloat16).to(at::kDouble) - want.gradient).norm().item<double>();
  const double error = (own.student.to(at::kDouble) - want.gradient).norm().item<double>();
  EXPECT_LT(error, 1.01 * rounding);
}

TEST_P(FusedLossOf, EqualRowsGiveExactlyZero) {
  if (divergence() == Divergence::kNone) GTEST_SKIP() << "no divergence";
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kDouble}) {
    FusedRows rows = make_rows(type, 1000, 1000);
    rows.teacher = rows.student.clone();
    const FusedRowLosses losses = run(rows, loss(2.0, 0.0));
    EXPECT_EQ(losses.divergence.abs().max().item<double>(), 0.0);
    EXPECT_EQ(rows.student.abs().max().item<double>(), 0.0);
  }
}

TEST_P(FusedLossOf, TakesMaskedVocabularyAndWideGaps) {
  FusedRows rows = make_rows(at::kFloat, 600, 600);
  for (const at::Tensor& logits : {rows.student, rows.teacher}) {
    logits.slice(1, 5, 40).fill_(-kInfinity);
  }
  rows.targets.fill_(2);
  const FusedRows own = copy_of(rows);
  const FusedRowLosses losses = run(own, loss(2.0));
  EXPECT_TRUE(own.student.isfinite().all().item<bool>());
  EXPECT_TRUE(losses.cross_entropy.isfinite().all().item<bool>());
  EXPECT_EQ(own.student.slice(1, 5, 40).abs().max().item<double>(), 0.0);
  FusedRows wide = make_rows(at::kFloat, 600, 600, 1e4);
  run(wide, loss(0.1));
  EXPECT_TRUE(wide.student.isfinite().all().item<bool>());
}

TEST_P(FusedLossOf, WeightsMultiplyGradientsAndIgnoredRowsAreZero) {
  FusedRows rows = make_rows(at::kFloat, 40, 40);
  rows.weights = at::linspace(0, 2, 6, at::kFloat);
  expect_equal(rows, loss(2.0), functions());
  rows.targets.fill_(-100);
  const FusedRowLosses losses = run(rows, loss(2.0));
  EXPECT_EQ(rows.student.abs().max().item<double>(), 0.0);
  EXPECT_EQ(losses.cross_entropy.abs().max().item<double>(), 0.0);
}

TEST_P(FusedLossOf, NanAndInfinityReachTheLoss) {
  for (const double bad : {static_cast<double>(NAN), kInfinity}) {
    FusedRows rows = make_rows(at::kFloat, 700, 700);
    rows.student[1][650] = bad;
    const FusedRowLosses losses = run(rows, loss(2.0));
    EXPECT_FALSE(std::isfinite(losses.cross_entropy[1].item<double>()));
    if (losses.divergence.defined()) {
      EXPECT_FALSE(std::isfinite(losses.divergence[1].item<double>()));
    }
    EXPECT_TRUE(losses.cross_entropy[0].isfinite().item<bool>());
  }
}

TEST_P(FusedLossOf, ScaleMultipliesAllGradients) {
  FusedRows rows = make_rows(at::kFloat, 40, 40);
  const FusedRows plain = copy_of(rows);
  rows.scale = at::full({}, 0.25, at::kFloat);
  run(rows, loss(2.0));
  run(plain, loss(2.0));
  EXPECT_TRUE(at::allclose(rows.student, plain.student * 0.25, 1e-6, 0.0));
}

TEST_P(FusedLossOf, AWeightOfZeroHidesAnInfiniteLoss) {
  FusedRows rows = make_rows(at::kFloat, 300, 300);
  rows.student[1][rows.targets[1].item<int64_t>()] = -kInfinity;
  rows.weights = at::ones({6}, at::kFloat);
  rows.weights[1] = 0;
  run(rows, loss(2.0));
  EXPECT_EQ(rows.student[1].abs().max().item<double>(), 0.0);
  EXPECT_TRUE(rows.student.isfinite().all().item<bool>());
}

TEST_P(FusedLossOf, SameBitsOnAnyThreadCountAndStride) {
  const FusedRows rows = make_rows(at::kFloat, 700, 650);
  FusedRows one = copy_of(rows), two = rows;
  two.student = at::zeros({6, 710}, at::kFloat).narrow(1, 3, 700).copy_(rows.student);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  run(one, loss(2.0));
  at::set_num_threads(2);
  run(two, loss(2.0));
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one.student, two.student));
}

INSTANTIATE_TEST_SUITE_P(All, FusedLossOf,
                         testing::Combine(testing::ValuesIn(kDivergences),
                                          testing::ValuesIn(usable_loss_rows())));

// Sums over a real vocabulary: added in fp32 alone they are off by 6e-6. The target's column, which
// outweighs all others, is left out.
TEST(FusedLoss, ALargeVocabularyKeepsItsPrecision) {
  FusedRows rows = make_rows(at::kFloat, 151936, 151936, 3.0);
  rows.targets.fill_(0);
  const at::Tensor exact = expected(rows, {.cross_entropy = true}).gradient.slice(1, 1);
  fused_loss(rows, {.cross_entropy = true}, true);
  const at::Tensor own = rows.student.to(at::kDouble).slice(1, 1);
  EXPECT_LT((own - exact).norm().item<double>(), 2e-6 * exact.norm().item<double>());
}

// The rows lie 2^30 elements apart; what is between them is never touched.
TEST(FusedLoss, RowsReachPastTwoToThe31) {
  FusedRows near;
  near.student = at::randn({3, 700}).to(at::kBFloat16);
  near.teacher = at::randn({3, 650}).to(at::kBFloat16);
  near.targets = at::zeros({3}, at::kLong);
  FusedRows far = near;
  far.student = at::empty({3, int64_t{1} << 30}, at::kBFloat16).narrow(1, 5, 700);
  far.student.copy_(near.student);
  const FusedLoss loss{.divergence = Divergence::kForwardKl, .cross_entropy = true};
  fused_loss(near, loss, true);
  fused_loss(far, loss, true);
  EXPECT_TRUE(at::equal(near.student, far.student));
}

TEST(FusedLoss, WhatDoesNotFitThrows) {
  FusedRows rows = make_rows(at::kFloat, 7, 7);
  const FusedLoss loss{.divergence = Divergence::kForwardKl, .cross_entropy = true};
  FusedRows wrong = rows;
  wrong.targets = rows.targets.clone().fill_(7);
  EXPECT_THROW(fused_loss(wrong, loss, false), c10::Error);
  wrong = rows;
  wrong.teacher = at::Tensor();
  EXPECT_THROW(fused_loss(wrong, loss, false), c10::Error);
  wrong = rows;
  wrong.teacher = rows.teacher.to(at::kDouble);
  EXPECT_THROW(fused_loss(wrong, loss, false), c10::Error);
}

}  // namespace
}  // namespace distill
