// Logits so far apart that probabilities underflow, through autograd: the mixtures stay bounded.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "make_objective.h"

namespace distill {
namespace {

struct Case {
  std::string type;
  at::ScalarType dtype;
  double deviation;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.type << ' ' << c10::toString(c.dtype) << " deviation " << c.deviation;
}

class WideGap : public testing::TestWithParam<Case> {
 protected:
  WideGap() {
    at::manual_seed(9);
    const auto draw = [&] {
      return (at::randn({48, 4096}, at::kDouble) * GetParam().deviation).to(GetParam().dtype);
    };
    rows_.student = draw();
    rows_.teacher = draw();
    rows_.targets = at::zeros({48}, at::kLong);
  }

  LogitRows rows_;
  std::unique_ptr<LogitObjective> objective_ =
      make_objective(GetParam().type, "{temperature: 0.1}");
};

TEST_P(WideGap, LossAndGradientAreFiniteAndTheKernels) {
  LogitRows rows = rows_;
  rows.student = rows_.student.clone().requires_grad_(true);
  const at::Tensor sum = objective_->sum(rows, {});
  const at::Tensor gradient = torch::autograd::grad({sum}, {rows.student})[0];
  EXPECT_TRUE(gradient.isfinite().all().item<bool>());
  FusedRows fused;
  fused.student = rows_.student.clone();
  fused.teacher = rows_.teacher;
  fused.targets = rows_.targets;
  const FusedTerm term = *objective_->fused({});
  const at::Tensor expected =
      fused_loss(fused, {.divergence = term.divergence, .temperature = 0.1, .ratio = term.ratio},
                 true)
          .divergence.sum(at::kDouble);
  EXPECT_NEAR(sum.item<double>(), expected.item<double>(), 1e-4 * expected.item<double>());
}

TEST_P(WideGap, EqualRowsGiveZero) {
  rows_.teacher = rows_.student;
  const double rounding = GetParam().dtype == at::kDouble ? 1e-12 : 1e-5;
  EXPECT_NEAR(objective_->sum(rows_, {}).item<double>(), 0.0, rounding);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* type : {"jsd", "skewed_forward_kl", "skewed_reverse_kl"}) {
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
      for (const double deviation : {2.0, 16.0, 300.0}) all.push_back({type, dtype, deviation});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, WideGap, testing::ValuesIn(cases()));

}  // namespace
}  // namespace distill
