#include "distill/ops/norm.h"

#include "check.h"

namespace distill {
namespace {

at::Tensor eager_rms_norm(const Tensors& in, double eps, double offset) {
  const at::ScalarType type = in[0].scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor x = in[0].to(type);
  const at::Tensor normal = x / at::sqrt(x.square().mean(-1, true) + eps);
  return (normal * (in[1].to(type) + offset)).to(in[0].scalar_type());
}

at::Tensor eager_layer_norm(const Tensors& in, double eps) {
  const at::ScalarType type = in[0].scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return at::layer_norm(in[0].to(type), in[1].sizes(), in[1].to(type), in[2].to(type), eps)
      .to(in[0].scalar_type());
}

struct Case {
  at::ScalarType x, weight;
  double relative, absolute;
};

const Case kCases[] = {{at::kDouble, at::kDouble, 1e-10, 1e-10},
                       {at::kFloat, at::kFloat, 1e-5, 1e-5},
                       {at::kBFloat16, at::kBFloat16, 1e-2, 2e-2},
                       {at::kBFloat16, at::kFloat, 1e-2, 2e-2},
                       {at::kHalf, at::kHalf, 2e-3, 2e-3}};

TEST(RmsNorm, GradientsEqualCentralDifferences) {
  for (const double offset : {0.0, 1.0}) {
    expect_right_gradients([=](const Tensors& t) { return rms_norm(t[0], t[1], 1e-3, offset); },
                           {random_tensor({5, 7}), random_tensor({7})});
  }
}

TEST(RmsNorm, EqualsTheEagerOne) {
  for (const Case& c : kCases) {
    for (const double offset : {0.0, 1.0}) {
      expect_same_function([=](const Tensors& t) { return rms_norm(t[0], t[1], 1e-6, offset); },
                           [=](const Tensors& t) { return eager_rms_norm(t, 1e-6, offset); },
                           {random_tensor({67, 100}, c.x), random_tensor({100}, c.weight)},
                           c.relative, c.absolute);
    }
  }
}

TEST(RmsNorm, TakesViewsAndAnyRank) {
  const at::Tensor fused = random_tensor({6, 5, 12});
  const at::Tensor weight = random_tensor({12});
  const auto op = [](const Tensors& t) { return rms_norm(t[0], t[1], 1e-6); };
  const auto eager = [](const Tensors& t) { return eager_rms_norm(t, 1e-6, 0.0); };
  const Tensors views = {fused.slice(1, 1, 4),
                         fused.transpose(0, 1),
                         fused[2],
                         fused[1][3],
                         fused.view({2, 3, 5, 12}),
                         random_tensor({12, 4}).t(),
                         random_tensor({12}).expand({3, 12})};
  for (const at::Tensor& x : views) expect_same_function(op, eager, {x, weight}, 1e-10, 1e-10);
}

TEST(RmsNorm, TakesNoRowsAndOneRow) {
  const at::Tensor weight = random_tensor({8}, at::kFloat);
  const auto op = [](const Tensors& t) { return rms_norm(t[0], t[1], 1e-6); };
  const Tensors none = value_and_gradients(op, {at::empty({0, 8}), weight});
  EXPECT_EQ(none[0].sizes(), at::IntArrayRef({0, 8}));
  EXPECT_TRUE(at::equal(none[2], at::zeros({8})));
  expect_same_function(
      op, [](const Tensors& t) { return eager_rms_norm(t, 1e-6, 0.0); },
      {random_tensor({1, 8}, at::kFloat), weight}, 1e-5, 1e-6);
}

TEST(RmsNorm, SameBitsOnAnyThreadCount) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    expect_same_on_any_thread_count([](const Tensors& t) { return rms_norm(t[0], t[1], 1e-6); },
                                    {random_tensor({1601, 96}, type), random_tensor({96}, type)});
  }
}

TEST(RmsNorm, AWeightThatDoesNotFitThrows) {
  EXPECT_THROW(rms_norm(at::ones({2, 8}), at::ones({7}), 1e-6), c10::Error);
}

TEST(RmsNorm, KeepsNotANumberAndInfinityOfBf16) {
  at::Tensor x = at::ones({2, 64}, at::kBFloat16);
  x[0][5] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor out = rms_norm(x, at::ones({64}, at::kBFloat16), 1e-6);
  EXPECT_TRUE(out[0].isnan().all().item<bool>());
  EXPECT_TRUE(at::equal(out[1], x[1]));
  const at::Tensor huge = at::full({64}, std::numeric_limits<float>::infinity(), at::kBFloat16);
  EXPECT_TRUE(at::equal(rms_norm(x[1], huge, 1e-6), huge));
}

TEST(RmsNorm, RoundsBf16ToNearestEven) {
  // All ones: the output is the weight, rounded from fp32.
  const at::Tensor weight = at::randn({4096}) * at::exp(at::randn({4096}));
  const at::Tensor out = rms_norm(at::ones({1, 4096}, at::kBFloat16), weight, 0.0);
  EXPECT_TRUE(at::equal(out[0], weight.to(at::kBFloat16)));
}

TEST(LayerNorm, GradientsEqualCentralDifferences) {
  expect_right_gradients([](const Tensors& t) { return layer_norm(t[0], t[1], t[2], 1e-3); },
                         {random_tensor({5, 7}), random_tensor({7}), random_tensor({7})});
  expect_right_gradients([](const Tensors& t) { return layer_norm(t[0], t[1], {}, 1e-3); },
                         {random_tensor({5, 7}), random_tensor({7})});
}

TEST(LayerNorm, EqualsTheEagerOne) {
  for (const Case& c : kCases) {
    expect_same_function([](const Tensors& t) { return layer_norm(t[0], t[1], t[2], 1e-5); },
                         [](const Tensors& t) { return eager_layer_norm(t, 1e-5); },
                         {random_tensor({67, 100}, c.x) + 3, random_tensor({100}, c.weight),
                          random_tensor({100}, c.weight)},
                         c.relative, c.absolute);
  }
}

TEST(LayerNorm, SameBitsOnAnyThreadCount) {
  expect_same_on_any_thread_count(
      [](const Tensors& t) { return layer_norm(t[0], t[1], t[2], 1e-5); },
      {random_tensor({1601, 96}, at::kFloat), random_tensor({96}, at::kFloat),
       random_tensor({96}, at::kFloat)});
}

}  // namespace
}  // namespace distill
