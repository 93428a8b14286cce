// What trainable bf16 parameters rely on: a leaf whose gradients add up in fp32, in place, in a
// slice of a flat buffer.
#include "check.h"
#include "distill/ops/norm.h"

namespace distill {
namespace {

TEST(GradDtype, ABf16LeafAccumulatesIntoItsFp32SliceInPlace) {
  const at::Tensor flat = at::zeros({256});
  at::Tensor leaf = at::ones({64}, at::kBFloat16).set_requires_grad(true);
  leaf.set_grad_dtype(at::kFloat);
  leaf.mutable_grad() = flat.narrow(0, 128, 64).view_as(leaf);
  // 1 + 1/512 is no bf16 number: a sum rounded to bf16 would stay 1.
  torch::autograd::backward({leaf}, {at::ones({64})});
  torch::autograd::backward({leaf}, {at::full({64}, 1.0f / 512)});
  EXPECT_TRUE(at::equal(flat.narrow(0, 128, 64), at::full({64}, 1.0f + 1.0f / 512)));
  EXPECT_TRUE(at::equal(flat.narrow(0, 0, 128), at::zeros({128})));
  EXPECT_EQ(leaf.grad().data_ptr(), flat.data_ptr<float>() + 128);
}

TEST(GradDtype, GradientsOfBf16ProductsAddUpInFp32) {
  const at::Tensor flat = at::zeros({12});
  at::Tensor leaf = at::ones({3, 4}, at::kBFloat16).set_requires_grad(true);
  leaf.set_grad_dtype(at::kFloat);
  leaf.mutable_grad() = flat.view_as(leaf);
  for (int i = 0; i < 300; ++i) {
    const at::Tensor out = at::linear(at::ones({1, 4}, at::kBFloat16), leaf);
    torch::autograd::backward({out}, {at::ones_like(out)});
  }
  EXPECT_TRUE(at::equal(flat, at::full({12}, 300.0f))) << flat;  // bf16 would stop at 256
}

TEST(GradDtype, TheNormsGradientIsNeverRounded) {
  const at::Tensor x = random_tensor({40, 64}, at::kBFloat16);
  const auto gradient = [&](const at::Tensor& weight, const at::Tensor& grad) {
    at::Tensor leaf = weight.detach().set_requires_grad(true);
    leaf.set_grad_dtype(at::kFloat);
    leaf.mutable_grad() = grad;
    const at::Tensor out = rms_norm(x, leaf, 1e-6);
    torch::autograd::backward({out}, {at::ones_like(out)});
    return grad;
  };
  const at::Tensor weight = at::ones({64}, at::kBFloat16);
  const at::Tensor found = gradient(weight, at::zeros({64}));
  EXPECT_TRUE(at::equal(found, gradient(weight.to(at::kFloat), at::zeros({64}))));
  EXPECT_FALSE(at::equal(found, found.to(at::kBFloat16).to(at::kFloat)));
}

}  // namespace
}  // namespace distill
