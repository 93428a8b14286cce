// How ops are tested: gradients against central differences, values against another path, and the
// same bits on one thread and on two.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <vector>

namespace distill {

using Tensors = std::vector<at::Tensor>;

inline at::Tensor random_tensor(at::IntArrayRef sizes, at::ScalarType type = at::kDouble) {
  return at::randn(sizes, at::kDouble).to(type);
}

inline void expect_close(const at::Tensor& found, const at::Tensor& expected, double relative,
                         double absolute) {
  ASSERT_EQ(found.sizes(), expected.sizes());
  const at::Tensor a = found.to(at::kDouble), b = expected.to(at::kDouble);
  EXPECT_TRUE(at::allclose(a, b, relative, absolute))
      << "largest difference " << (a - b).abs().max().item<double>() << " among values up to "
      << b.abs().max().item<double>();
}

/// The value of `function` and the gradients of its inputs under a fixed upstream gradient.
inline Tensors value_and_gradients(const std::function<at::Tensor(const Tensors&)>& function,
                                   const Tensors& inputs) {
  Tensors leaves;
  for (const at::Tensor& input : inputs) leaves.push_back(input.detach().set_requires_grad(true));
  const at::Tensor out = function(leaves);
  const at::Tensor upstream =
      at::sin(at::arange(out.numel(), at::kDouble) + 1.0).view(out.sizes()).to(out.options());
  torch::autograd::backward({out}, {upstream});
  Tensors all{out.detach()};
  for (const at::Tensor& leaf : leaves) {
    all.push_back(leaf.grad().defined() ? leaf.grad() : at::zeros_like(leaf));
  }
  return all;
}

/// Compares the gradients of fp64 inputs with central differences of step 1e-5.
inline void expect_right_gradients(const std::function<at::Tensor(const Tensors&)>& function,
                                   const Tensors& inputs, double tolerance = 1e-7) {
  const Tensors found = value_and_gradients(function, inputs);
  const at::Tensor upstream =
      at::sin(at::arange(found[0].numel(), at::kDouble) + 1.0).view(found[0].sizes());
  const double step = 1e-5;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_EQ(inputs[i].scalar_type(), at::kDouble);
    at::Tensor expected = at::zeros({inputs[i].numel()}, at::kDouble);
    for (int64_t e = 0; e < inputs[i].numel(); ++e) {
      const auto sum_at = [&](double change) {
        Tensors moved = inputs;
        at::Tensor flat = inputs[i].clone(at::MemoryFormat::Contiguous).view({-1});
        flat[e] += change;
        moved[i] = flat.view(inputs[i].sizes());
        return (function(moved) * upstream).sum().item<double>();
      };
      expected[e] = (sum_at(step) - sum_at(-step)) / (2 * step);
    }
    SCOPED_TRACE("gradient of input " + std::to_string(i));
    expect_close(found[i + 1], expected.view(inputs[i].sizes()), tolerance, tolerance);
  }
}

/// Values and gradients of two implementations on the same inputs.
inline void expect_same_function(const std::function<at::Tensor(const Tensors&)>& function,
                                 const std::function<at::Tensor(const Tensors&)>& reference,
                                 const Tensors& inputs, double relative, double absolute) {
  const Tensors found = value_and_gradients(function, inputs);
  const Tensors expected = value_and_gradients(reference, inputs);
  for (size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE(i == 0 ? "value" : "gradient of input " + std::to_string(i - 1));
    EXPECT_EQ(found[i].scalar_type(), expected[i].scalar_type());
    expect_close(found[i], expected[i], relative, absolute);
  }
}

inline void expect_same_on_any_thread_count(
    const std::function<at::Tensor(const Tensors&)>& function, const Tensors& inputs) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Tensors one = value_and_gradients(function, inputs);
  at::set_num_threads(2);
  const Tensors two = value_and_gradients(function, inputs);
  at::set_num_threads(before);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i], two[i])) << "tensor " << i;
}

}  // namespace distill
