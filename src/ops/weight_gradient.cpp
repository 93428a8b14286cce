#include "distill/ops/weight_gradient.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "ops/cpu/weight_gradient_cpu.h"

namespace distill {
namespace {

/// The product in the inputs' dtype, a slice of the vocabulary at a time.
void add_in_slices(const at::Tensor& gradient, const at::Tensor& d_output,
                   const at::Tensor& input) {
  constexpr int64_t kSlice = 8192;
  const int64_t vocabulary = gradient.size(0);
  for (int64_t begin = 0; begin < vocabulary; begin += kSlice) {
    const int64_t end = std::min(begin + kSlice, vocabulary);
    gradient.slice(0, begin, end).add_(at::mm(d_output.slice(1, begin, end).t(), input));
  }
}

}  // namespace

void add_weight_gradient(const at::Tensor& gradient, const at::Tensor& d_output,
                         const at::Tensor& input) {
  TORCH_CHECK(gradient.dim() == 2 && d_output.dim() == 2 && input.dim() == 2 &&
                  gradient.size(0) == d_output.size(1) && gradient.size(1) == input.size(1) &&
                  d_output.size(0) == input.size(0),
              "add_weight_gradient: ", gradient.sizes(), " += ", d_output.sizes(), "^T ",
              input.sizes());
  const at::ScalarType from = input.scalar_type(), to = gradient.scalar_type();
  TORCH_CHECK(
      d_output.scalar_type() == from && (to == from || (to == at::kFloat && from == at::kBFloat16)),
      "add_weight_gradient: ", gradient.toString(), " += ", d_output.toString(), "^T ",
      input.toString());
  if (input.size(0) == 0) return;
  at::Tensor target = gradient;
  if (to == from) {
    target.addmm_(d_output.t(), input);
  } else if (gradient.is_cuda()) {
    at::addmm_out(target, target, d_output.t(), input, at::kFloat);
  } else if (gradient.is_cpu() && gradient.is_contiguous() && has_bf16_products()) {
    add_weight_gradient_bf16(gradient, d_output, input);
  } else {
    add_in_slices(gradient, d_output, input);
  }
}

}  // namespace distill
