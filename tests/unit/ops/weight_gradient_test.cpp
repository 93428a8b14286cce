#include "distill/ops/weight_gradient.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ops/cpu/weight_gradient_cpu.h"

namespace distill {
namespace {

at::Tensor exact(const at::Tensor& d_output, const at::Tensor& input) {
  return at::mm(d_output.to(at::kDouble).t(), input.to(at::kDouble));
}

double relative(const at::Tensor& got, const at::Tensor& expected) {
  return ((got.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
}

struct Shape {
  int64_t rows, vocabulary, width;
};

class WeightGradient : public testing::TestWithParam<Shape> {};

TEST_P(WeightGradient, AddsBfloat16ProductsInFloat32) {
  at::manual_seed(3);
  const auto [rows, vocabulary, width] = GetParam();
  const at::Tensor d_output = at::randn({rows, vocabulary}).to(at::kBFloat16);
  const at::Tensor input = at::randn({rows, width}).to(at::kBFloat16);
  const at::Tensor gradient = at::randn({vocabulary, width});
  const at::Tensor expected = gradient.to(at::kDouble) + exact(d_output, input);
  add_weight_gradient(gradient, d_output, input);
  EXPECT_LT(relative(gradient, expected), has_bf16_products() ? 1e-6 : 4e-3);
}

TEST_P(WeightGradient, TakesSlicesAndOtherDtypes) {
  at::manual_seed(4);
  const auto [rows, vocabulary, width] = GetParam();
  const at::Tensor input = at::randn({rows + 2, width}, at::kDouble).slice(0, 2);
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16}) {
    const at::ScalarType to = type == at::kBFloat16 ? at::kFloat : type;
    const at::Tensor gradient = at::zeros({vocabulary, width}, to);
    const at::Tensor d_output =
        at::randn({rows, vocabulary + 3}, at::kDouble).to(type).slice(1, 1, -2);
    add_weight_gradient(gradient, d_output, input.to(type));
    EXPECT_LT(relative(gradient, exact(d_output, input.to(type))),
              type == at::kDouble ? 1e-14 : 4e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, WeightGradient,
                         testing::Values(Shape{1, 1, 1}, Shape{5, 64, 16}, Shape{33, 130, 48},
                                         Shape{64, 257, 7}, Shape{512, 1000, 96}));

TEST(WeightGradient, WithoutBf16InstructionsProductsAreAddedInSlices) {
  at::manual_seed(5);
  const at::Tensor d_output = at::randn({5, 8200}).to(at::kBFloat16);
  const at::Tensor input = at::randn({5, 4}).to(at::kBFloat16);
  const at::Tensor gradient = at::ones({8200, 6}).narrow(1, 1, 4);  // not contiguous
  add_weight_gradient(gradient, d_output, input);
  EXPECT_LT(relative(gradient, 1 + exact(d_output, input)), 4e-3);
}

TEST(WeightGradient, NoRowsChangeNothing) {
  const at::Tensor gradient = at::ones({3, 2});
  add_weight_gradient(gradient, at::empty({0, 3}, at::kBFloat16), at::empty({0, 2}, at::kBFloat16));
  EXPECT_TRUE(gradient.equal(at::ones({3, 2})));
}

TEST(WeightGradient, RefusesShapesAndDtypesThatDoNotFit) {
  const at::Tensor gradient = at::zeros({3, 2});
  EXPECT_ANY_THROW(add_weight_gradient(gradient, at::zeros({4, 3}), at::zeros({5, 2})));
  EXPECT_ANY_THROW(add_weight_gradient(gradient, at::zeros({4, 3}, at::kDouble),
                                       at::zeros({4, 2}, at::kDouble)));
}

}  // namespace
}  // namespace distill
