#include "distill/ops/embedding.h"

#include "check.h"

namespace distill {
namespace {

at::Tensor lookup_twice(const at::Tensor& weight, const at::Tensor& ids, const at::Tensor& buffer) {
  const at::Tensor leaf = weight.detach().set_requires_grad(true);
  for (int i = 0; i < 2; ++i) {
    const at::Tensor out = distill::embedding(ids, leaf, buffer);
    torch::autograd::backward({out}, {at::ones_like(out)});
  }
  return leaf.grad();
}

TEST(Embedding, LooksUpRows) {
  const at::Tensor weight = random_tensor({5, 3});
  const at::Tensor ids = at::tensor({4, 0, 4}, at::kLong);
  EXPECT_TRUE(at::equal(distill::embedding(ids, weight, {}), weight.index_select(0, ids)));
  EXPECT_EQ(distill::embedding(at::empty({0}, at::kLong), weight, {}).sizes(),
            at::IntArrayRef({0, 3}));
}

TEST(Embedding, AddsIntoTheBufferAndGivesAutogradNothing) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kDouble, at::kHalf}) {
    const at::ScalarType sum_type = type == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor buffer = at::full({5, 3}, 10, sum_type);
    const at::Tensor ids = at::tensor({4, 0, 4, 4}, at::kLong);
    EXPECT_FALSE(lookup_twice(random_tensor({5, 3}, type), ids, buffer).defined());
    const at::Tensor counts = at::tensor({12, 10, 10, 10, 16}, sum_type);
    EXPECT_TRUE(at::equal(buffer, counts.unsqueeze(1).expand({5, 3}))) << buffer;
  }
}

TEST(Embedding, CountsRepeatedTokensOfBf16) {
  const at::Tensor buffer = at::zeros({2, 3});
  lookup_twice(random_tensor({2, 3}, at::kBFloat16), at::ones({2000}, at::kLong), buffer);
  EXPECT_TRUE(at::equal(buffer[1], at::full({3}, 4000.0f))) << buffer;
}

TEST(Embedding, WithoutABufferAutogradHasTheGradient) {
  const at::Tensor ids = at::tensor({1, 0, 1}, at::kLong);
  expect_right_gradients([&](const Tensors& t) { return distill::embedding(ids, t[0], {}); },
                         {random_tensor({3, 2})});
}

TEST(Embedding, BufferOfTheWeightsDtypeAndGradientOfAnyLayout) {
  const at::Tensor ids = at::tensor({1, 0, 1}, at::kLong);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor buffer = at::zeros({2, 4}, at::kBFloat16);
    const at::Tensor leaf = at::ones({2, 4}, at::kBFloat16).set_requires_grad(true);
    const at::Tensor sum = type == at::kBFloat16 ? buffer : at::zeros({2, 4});
    const at::Tensor out = distill::embedding(ids, leaf, sum);
    const at::Tensor upstream = at::arange(12, at::kBFloat16).view({4, 3}).t();
    torch::autograd::backward({out}, {upstream});
    const at::Tensor expected = at::stack({upstream[1], upstream[0] + upstream[2]});
    EXPECT_TRUE(at::equal(sum, expected.to(type)));
  }
}

TEST(Embedding, NoGradientIsAddedForAFrozenTable) {
  const at::Tensor buffer = at::zeros({2, 3});
  EXPECT_FALSE(
      distill::embedding(at::ones({4}, at::kLong), at::ones({2, 3}), buffer).requires_grad());
}

TEST(Embedding, AWrongIdOrBufferThrows) {
  const at::Tensor weight = at::ones({2, 3}).set_requires_grad(true);
  const at::Tensor buffer = at::zeros({2, 3});
  EXPECT_ANY_THROW(distill::embedding(at::tensor({2}, at::kLong), weight, buffer));
  EXPECT_ANY_THROW(distill::embedding(at::tensor({-1}, at::kLong), weight, buffer));
  EXPECT_THROW(distill::embedding(at::tensor({1}, at::kLong), weight, at::zeros({3, 3})),
               c10::Error);
  EXPECT_THROW(distill::embedding(at::tensor({1}, at::kLong), weight, buffer.to(at::kDouble)),
               c10::Error);
}

TEST(Embedding, SameBitsOnAnyThreadCount) {
  const at::Tensor ids = at::randint(0, 7, {500}, at::kLong);
  const at::Tensor weight = random_tensor({7, 300}, at::kBFloat16);
  const auto sum = [&](int threads) {
    at::set_num_threads(threads);
    const at::Tensor buffer = at::zeros({7, 300});
    const at::Tensor leaf = weight.detach().set_requires_grad(true);
    const at::Tensor out = distill::embedding(ids, leaf, buffer);
    torch::autograd::backward({out.sin().sum()}, {});
    return buffer;
  };
  const int before = at::get_num_threads();
  const at::Tensor one = sum(1), two = sum(2);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, two));
}

}  // namespace
}  // namespace distill
