// AdamW over flat buffers against the formula, one tensor at a time in fp64.
#include "distill/optim/adamw.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/optim/tensors.h"

namespace distill {
namespace {

using tests::random_tensor;
using tests::Tensors;

AdamWOptions options_of_the_test() {
  AdamWOptions options;
  options.betas = {0.8, 0.95};
  options.eps = 1e-6;
  options.weight_decay = 77.0;  // the groups' counts, not this
  return options;
}

/// The algorithm of torch.optim.AdamW's documentation.
struct Formula {
  at::Tensor value, first, second;
  ParameterGroup group;
  int64_t steps = 0;

  void step(const at::Tensor& gradient, double learning_rate, const AdamWOptions& options) {
    const double beta1 = options.betas[0], beta2 = options.betas[1];
    const double rate = learning_rate * group.lr_scale;
    const auto t = static_cast<double>(++steps);
    value = value - rate * group.weight_decay * value;
    first = beta1 * first + (1.0 - beta1) * gradient;
    second = beta2 * second + (1.0 - beta2) * gradient * gradient;
    const at::Tensor unbiased_first = first / (1.0 - std::pow(beta1, t));
    const at::Tensor unbiased_second = second / (1.0 - std::pow(beta2, t));
    value = value - rate * unbiased_first / (unbiased_second.sqrt() + options.eps);
  }
};

Tensors tensors_of_groups(at::ScalarType dtype) {
  Tensors tensors;
  tensors.dtype = dtype;
  tensors.add("plain", {6, 11}, {"plain", 1.0, 0.0});
  tensors.add("decayed", {5, 3}, {"decayed", 1.0, 0.3});
  tensors.add("slow", {130}, {"slow", 0.01, 0.3});
  tensors.add("fast", {4, 4}, {"fast", 3.0, 0.05});
  return tensors;
}

std::vector<Formula> formulas_of(const Tensors& tensors) {
  std::vector<Formula> formulas;
  for (const Tensors::One& one : tensors.all) {
    const at::Tensor value = one.value.detach().to(at::kDouble).clone();
    formulas.push_back({value, at::zeros_like(value), at::zeros_like(value), one.group});
  }
  return formulas;
}

/// Fills the gradients of a step, larger than `max_norm` in every other one.
void draw_gradients(Tensors& tensors, uint64_t step) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < tensors.all.size(); ++i) {
    at::Tensor& gradient = tensors.all[i].gradient;
    const double size = step % 2 == 0 ? 1.0 : 1e-3;
    gradient.copy_(random_tensor(gradient.sizes().vec(), 100 * (step + 1) + i) * size);
  }
}

double clipping(const Tensors& tensors, double max_norm) {
  if (max_norm == 0.0) return 1.0;
  double squares = 0.0;
  for (const Tensors::One& one : tensors.all) {
    squares += one.gradient.to(at::kDouble).square().sum().item<double>();
  }
  return std::min(1.0, max_norm / (std::sqrt(squares) + 1e-6));
}

double difference(const at::Tensor& found, const at::Tensor& expected) {
  return (found.detach().to(at::kDouble) - expected).abs().max().item<double>();
}

void expect_the_formula(at::ScalarType dtype, double max_norm, double tolerance) {
  const AdamWOptions options = options_of_the_test();
  Tensors tensors = tensors_of_groups(dtype);
  std::vector<Formula> formulas = formulas_of(tensors);
  FlatParameters parameters(tensors.refs());
  AdamW optimizer(options, parameters);
  for (uint64_t step = 0; step < 6; ++step) {
    draw_gradients(tensors, step);
    const double clip = clipping(tensors, max_norm);
    EXPECT_EQ(clip<1.0, max_norm> 0.0 && step % 2 == 0);
    const double learning_rate = 0.05 / static_cast<double>(step + 1);
    for (size_t i = 0; i < formulas.size(); ++i) {
      formulas[i].step(tensors.all[i].gradient.to(at::kDouble) * clip, learning_rate, options);
    }
    optimizer.step(learning_rate, max_norm, parameters.gradient_norm(), at::zeros({}, at::kFloat));
    const auto state = parameters.state();
    for (size_t i = 0; i < formulas.size(); ++i) {
      SCOPED_TRACE(tensors.all[i].name + ", step " + std::to_string(step));
      EXPECT_LT(difference(state[3 * i].second, formulas[i].value), tolerance);
      EXPECT_LT(difference(state[3 * i + 1].second, formulas[i].first), tolerance);
      EXPECT_LT(difference(state[3 * i + 2].second, formulas[i].second), tolerance);
    }
  }
  EXPECT_EQ(optimizer.step_count().item<float>(), 6.0F);
}

TEST(AdamW, FollowsTheFormulaInEveryGroup) {
  expect_the_formula(at::kDouble, 0.0, 1e-13);
  expect_the_formula(at::kFloat, 0.0, 1e-6);
}

// The factor is rounded to fp32 whatever the parameters are.
TEST(AdamW, ClipsByTheNormOfAllGroups) {
  expect_the_formula(at::kDouble, 0.7, 1e-7);
  expect_the_formula(at::kFloat, 0.7, 1e-6);
}

TEST(AdamW, UnderBf16MastersFollowTheFormulaAndLeavesAreTheirRounding) {
  expect_the_formula(at::kBFloat16, 0.7, 1e-6);
  Tensors tensors = tensors_of_groups(at::kBFloat16);
  FlatParameters parameters(tensors.refs());
  AdamW optimizer(options_of_the_test(), parameters);
  draw_gradients(tensors, 1);
  // Below half a bf16 step of most weights: summed in bf16 it would be lost.
  optimizer.step(1e-5, 0.0, parameters.gradient_norm(), at::zeros({}, at::kFloat));
  const auto state = parameters.state();
  for (size_t i = 0; i < tensors.all.size(); ++i) {
    const at::Tensor master = state[3 * i].second;
    EXPECT_TRUE(at::equal(tensors.all[i].value, master.to(at::kBFloat16)));
    EXPECT_FALSE(at::equal(tensors.all[i].value.to(at::kFloat), master));
  }
}

TEST(AdamW, AStepThatIsSkippedChangesNothing) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(c10::toString(dtype));
    Tensors tensors = tensors_of_groups(dtype);
    FlatParameters parameters(tensors.refs());
    AdamW optimizer(options_of_the_test(), parameters);
    draw_gradients(tensors, 0);
    optimizer.step(0.1, 1.0, parameters.gradient_norm(), at::zeros({}, at::kFloat));
    std::vector<at::Tensor> before;
    for (const auto& [name, tensor] : parameters.state()) before.push_back(tensor.clone());
    for (Tensors::One& one : tensors.all) one.gradient.fill_(std::nan(""));
    optimizer.step(0.1, 1.0, parameters.gradient_norm(), at::ones({}, at::kFloat));
    const auto after = parameters.state();
    for (size_t i = 0; i < after.size(); ++i) {
      EXPECT_TRUE(at::equal(after[i].second, before[i])) << after[i].first;
    }
    EXPECT_EQ(optimizer.step_count().item<float>(), 1.0F);
  }
}

}  // namespace
}  // namespace distill
