#include "distill/ops/rotary.h"

#include "check.h"

namespace distill {
namespace {

/// Tables of r / 2 angles for T positions.
Tensors tables(int64_t count, int64_t half) {
  const at::Tensor angles =
      at::outer(at::arange(count, at::kFloat), at::pow(10.0, -at::arange(half, at::kFloat) / half));
  return {at::cos(angles), at::sin(angles)};
}

/// As complex numbers: feature i is the real part, i + half the imaginary one.
at::Tensor by_complex(const at::Tensor& x, const Tensors& table) {
  const int64_t half = table[0].size(1);
  const at::ScalarType type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor value =
      at::complex(x.slice(-1, 0, half).to(type), x.slice(-1, half, 2 * half).to(type));
  const at::Tensor turned = value * at::complex(table[0].to(type), table[1].to(type)).unsqueeze(1);
  return at::cat({at::real(turned), at::imag(turned), x.slice(-1, 2 * half).to(type)}, -1)
      .to(x.scalar_type());
}

TEST(Rotary, GradientsEqualCentralDifferences) {
  for (const int64_t half : {3, 2}) {
    const Tensors table = tables(4, half);
    expect_right_gradients([&](const Tensors& t) { return rotary(t[0], table[0], table[1]); },
                           {random_tensor({4, 2, 6})});
  }
}

TEST(Rotary, EqualsComplexMultiplication) {
  const Tensors table = tables(33, 16);
  const auto op = [&](const Tensors& t) { return rotary(t[0], table[0], table[1]); };
  const auto reference = [&](const Tensors& t) { return by_complex(t[0], table); };
  for (const int64_t width : {32, 40}) {
    const at::Tensor x = random_tensor({33, 3, width});
    expect_same_function(op, reference, {x}, 1e-12, 1e-12);
    expect_same_function(op, reference, {x.to(at::kFloat)}, 1e-5, 1e-6);
    expect_same_function(op, reference, {x.to(at::kBFloat16)}, 8e-3, 1e-3);
    expect_same_function(op, reference, {x.to(at::kHalf)}, 1e-3, 1e-3);
  }
}

TEST(Rotary, TakesASliceOfAFusedProjection) {
  const Tensors table = tables(5, 4);
  const at::Tensor fused = random_tensor({5, 48});
  const at::Tensor keys = fused.slice(1, 24, 40).view({5, 2, 8});
  EXPECT_FALSE(keys.is_contiguous());
  expect_same_function([&](const Tensors& t) { return rotary(t[0], table[0], table[1]); },
                       [&](const Tensors& t) { return by_complex(t[0], table); }, {keys}, 1e-12,
                       1e-12);
}

TEST(Rotary, TakesAGradientOfAnyLayout) {
  const Tensors table = tables(5, 4);
  expect_same_function(
      [&](const Tensors& t) {
        return rotary(t[0], table[0], table[1]).permute({2, 1, 0});
      },
      [&](const Tensors& t) {
        return by_complex(t[0], table).permute({2, 1, 0});
      },
      {random_tensor({5, 3, 8})}, 1e-12, 1e-12);
}

TEST(Rotary, TakesNoRows) {
  const Tensors table = tables(0, 4);
  EXPECT_EQ(rotary(at::empty({0, 2, 8}), table[0], table[1]).sizes(), at::IntArrayRef({0, 2, 8}));
}

TEST(Rotary, TablesThatDoNotFitThrow) {
  const Tensors table = tables(4, 5);
  EXPECT_THROW(rotary(at::ones({4, 2, 8}), table[0], table[1]), c10::Error);
  EXPECT_THROW(rotary(at::ones({3, 2, 16}), table[0], table[1]), c10::Error);
}

TEST(Rotary, SameBitsOnAnyThreadCount) {
  const Tensors table = tables(700, 16);
  expect_same_on_any_thread_count(
      [&](const Tensors& t) { return rotary(t[0], table[0], table[1]); },
      {random_tensor({700, 3, 32}, at::kBFloat16)});
}

}  // namespace
}  // namespace distill
