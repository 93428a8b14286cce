#include "distill/ops/activation.h"

#include "check.h"

namespace distill {
namespace {

const Activation kAll[] = {Activation::kSilu, Activation::kGelu, Activation::kGeluTanh,
                           Activation::kRelu};

at::Tensor eager_gated(const Tensors& in, Activation activation) {
  const at::ScalarType type = in[0].scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return (activate(in[0].to(type), activation) * in[1].to(type)).to(in[0].scalar_type());
}

TEST(Activate, IsTheFunctionOfItsName) {
  const at::Tensor x = at::linspace(-4, 4, 41, at::kDouble);
  const double pi = 3.14159265358979323846;
  EXPECT_TRUE(at::allclose(activate(x, Activation::kSilu), x / (1 + at::exp(-x))));
  EXPECT_TRUE(
      at::allclose(activate(x, Activation::kGelu), x * 0.5 * at::erfc(-x / std::sqrt(2.0))));
  EXPECT_TRUE(
      at::allclose(activate(x, Activation::kGeluTanh),
                   0.5 * x * (1 + at::tanh(std::sqrt(2 / pi) * (x + 0.044715 * at::pow(x, 3))))));
  EXPECT_TRUE(at::equal(activate(x, Activation::kRelu), at::clamp_min(x, 0)));
}

TEST(Gated, GradientsEqualCentralDifferences) {
  for (const Activation activation : kAll) {
    expect_right_gradients([=](const Tensors& t) { return gated(t[0], t[1], activation); },
                           {random_tensor({5, 7}) * 2, random_tensor({5, 7})});
  }
}

TEST(Gated, EqualsTheEagerOne) {
  for (const Activation activation : kAll) {
    const auto op = [=](const Tensors& t) { return gated(t[0], t[1], activation); };
    const auto eager = [=](const Tensors& t) { return eager_gated(t, activation); };
    const at::Tensor gate = random_tensor({67, 100}) * 4, up = random_tensor({67, 100});
    expect_same_function(op, eager, {gate, up}, 1e-12, 1e-12);
    expect_same_function(op, eager, {gate.to(at::kFloat), up.to(at::kFloat)}, 1e-5, 1e-5);
    expect_same_function(op, eager, {gate.to(at::kBFloat16), up.to(at::kBFloat16)}, 8e-3, 1e-5);
    expect_same_function(op, eager, {gate.to(at::kHalf), up.to(at::kHalf)}, 2e-3, 1e-6);
  }
}

TEST(Gated, IsExactOverTheWholeRangeOfFp32) {
  const at::Tensor wide = at::cat({at::linspace(-120, 120, 24001, at::kFloat),
                                   at::logspace(-30, 10, 241, 10.0, at::kFloat),
                                   -at::logspace(-30, 10, 241, 10.0, at::kFloat)});
  for (const Activation activation : kAll) {
    const auto op = [=](const Tensors& t) { return gated(t[0], t[1], activation); };
    const Tensors found = value_and_gradients(op, {wide, at::ones_like(wide)});
    const at::Tensor wide64 = wide.to(at::kDouble);
    const Tensors exact = value_and_gradients(op, {wide64, at::ones_like(wide64)});
    expect_close(found[0], exact[0], 3e-5, 1e-25);
    expect_close(found[1], exact[1], 2e-6, 2e-6);
    EXPECT_TRUE(found[1].isfinite().all().item<bool>());
  }
}

TEST(Gated, KeepsNotANumber) {
  const at::Tensor nan = at::full({1, 40}, std::numeric_limits<float>::quiet_NaN(), at::kFloat);
  for (const Activation activation : kAll) {
    EXPECT_TRUE(gated(nan, at::ones_like(nan), activation).isnan().all().item<bool>());
  }
}

TEST(Gated, TakesHalvesOfAFusedProjectionAndNoRows) {
  const at::Tensor fused = random_tensor({9, 24});
  const auto op = [](const Tensors& t) { return gated(t[0], t[1], Activation::kSilu); };
  const auto eager = [](const Tensors& t) { return eager_gated(t, Activation::kSilu); };
  expect_same_function(op, eager, {fused.slice(1, 0, 12), fused.slice(1, 12)}, 1e-12, 1e-12);
  expect_same_function(op, eager, {fused.t(), random_tensor({24, 9})}, 1e-12, 1e-12);
  expect_same_function(op, eager, {fused[0], fused[1]}, 1e-12, 1e-12);
  EXPECT_EQ(gated(at::empty({0, 4}), at::empty({0, 4}), Activation::kSilu).size(0), 0);
}

TEST(Gated, ShapesThatDifferThrow) {
  EXPECT_THROW(gated(at::ones({2, 8}), at::ones({2, 7}), Activation::kSilu), c10::Error);
  EXPECT_THROW(gated(at::ones({2, 8}), at::ones({2, 8}, at::kDouble), Activation::kSilu),
               c10::Error);
}

TEST(Gated, SameBitsOnAnyThreadCount) {
  expect_same_on_any_thread_count(
      [](const Tensors& t) { return gated(t[0], t[1], Activation::kSilu); },
      {random_tensor({700, 96}, at::kBFloat16), random_tensor({700, 96}, at::kBFloat16)});
}

}  // namespace
}  // namespace distill
