#include "distill/ops/activation.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu/gated_cpu.h"
#include "ops/dispatch.h"

namespace distill {
namespace {

struct CpuGated : torch::autograd::Function<CpuGated> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& gate,
                            const at::Tensor& up, int64_t activation) {
    context->saved_data["activation"] = activation;
    context->save_for_backward({gate, up});
    return gated_forward_cpu(gate, up, static_cast<Activation>(activation));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const auto [gate, up] = gated_backward_cpu(grads[0], saved[0], saved[1], activation);
    return {gate, up, at::Tensor()};
  }
};

}  // namespace

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kRelu:
      return at::relu(x);
  }
  TORCH_CHECK(false, "activate: no activation ", static_cast<int>(activation));
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, Activation activation) {
  TORCH_CHECK(gate.sizes() == up.sizes() && gate.scalar_type() == up.scalar_type(), "gated: gate ",
              gate.toString(), gate.sizes(), " and up ", up.toString(), up.sizes(), " differ");
  if (has_cpu_kernel(gate) && gate.dim() > 0) {
    return CpuGated::apply(gate, up, static_cast<int64_t>(activation));
  }
  const at::ScalarType type = arithmetic_type(gate.scalar_type());
  return (activate(gate.to(type), activation) * up.to(type)).to(gate.scalar_type());
}

}  // namespace distill
