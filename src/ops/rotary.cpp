#include "distill/ops/rotary.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu/rotary_cpu.h"
#include "ops/dispatch.h"

namespace distill {
namespace {

/// Its backward turns the gradient back: a rotation's transpose is its inverse.
struct CpuRotary : torch::autograd::Function<CpuRotary> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& cosine, const at::Tensor& sine) {
    context->save_for_backward({cosine, sine});
    return rotary_cpu(x, cosine, sine, 1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto tables = context->get_saved_variables();
    return {rotary_cpu(grads[0], tables[0], tables[1], -1), at::Tensor(), at::Tensor()};
  }
};

at::Tensor eager_rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const int64_t half = cosine.size(1);
  const at::ScalarType type = cosine.scalar_type();
  const at::Tensor c = cosine.unsqueeze(1), s = sine.unsqueeze(1);
  const at::Tensor first = x.slice(-1, 0, half).to(type);
  const at::Tensor second = x.slice(-1, half, 2 * half).to(type);
  const at::Tensor turned = at::cat({first * c - second * s, second * c + first * s}, -1);
  return at::cat({turned.to(x.scalar_type()), x.slice(-1, 2 * half)}, -1);
}

}  // namespace

at::Tensor rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  TORCH_CHECK(x.dim() == 3 && cosine.dim() == 2 && cosine.size(0) == x.size(0) &&
                  cosine.sizes() == sine.sizes() && 2 * cosine.size(1) <= x.size(2),
              "rotary: x ", x.sizes(), " does not go with cosine ", cosine.sizes(), " and sine ",
              sine.sizes());
  const at::ScalarType type = arithmetic_type(x.scalar_type());
  const at::Tensor c = cosine.to(type).contiguous(), s = sine.to(type).contiguous();
  return has_cpu_kernel(x) ? CpuRotary::apply(x, c, s) : eager_rotary(x, c, s);
}

}  // namespace distill
