#include "distill/ops/norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu/norm_cpu.h"
#include "ops/dispatch.h"

namespace distill {
namespace {

at::Tensor scale_of(const at::Tensor& weight, double offset, at::ScalarType x_type) {
  const at::Tensor scale = weight.to(arithmetic_type(x_type)).contiguous();
  return offset == 0.0 ? scale : scale + offset;
}

/// The weight's gradient leaves in the arithmetic type: autograd casts it for a leaf that wants its
/// own dtype, and a leaf whose grad_dtype is fp32 gets it unrounded. So no cast around the node.
struct CpuNorm : torch::autograd::Function<CpuNorm> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            double eps, double offset, bool centred) {
    const at::Tensor scale = scale_of(weight, offset, x.scalar_type());
    const at::Tensor shift = bias ? scale_of(*bias, 0.0, x.scalar_type()) : at::Tensor();
    const NormForward result = norm_forward_cpu(x, scale, shift, eps, centred);
    context->saved_data["offset"] = offset;
    context->saved_data["biased"] = bias.has_value();
    context->save_for_backward({x, weight, result.mean, result.rstd});
    return result.out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor scale =
        scale_of(saved[1], context->saved_data["offset"].toDouble(), saved[0].scalar_type());
    const bool biased = context->saved_data["biased"].toBool();
    NormBackward result = norm_backward_cpu(grads[0], saved[0], scale, saved[2], saved[3]);
    return {result.x,     result.scale, biased ? result.shift : at::Tensor(),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor eager_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps, double offset, bool centred) {
  const at::ScalarType type = arithmetic_type(x.scalar_type());
  at::Tensor value = x.to(type);
  if (centred) value = value - value.mean(-1, true);
  value = value * at::rsqrt(value.square().mean(-1, true) + eps);
  value = value * scale_of(weight, offset, x.scalar_type());
  if (bias.defined()) value = value + bias.to(type);
  return value.to(x.scalar_type());
}

at::Tensor norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                double offset, bool centred) {
  TORCH_CHECK(x.dim() > 0 && weight.dim() == 1 && weight.size(0) == x.size(-1) &&
                  (!bias.defined() || bias.sizes() == weight.sizes()),
              "norm: x ", x.sizes(), " does not go with weight ", weight.sizes());
  if (!has_cpu_kernel(x)) return eager_norm(x, weight, bias, eps, offset, centred);
  const std::optional<at::Tensor> shift = bias.defined() ? std::optional(bias) : std::nullopt;
  return CpuNorm::apply(x, weight, shift, eps, offset, centred);
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    double weight_offset) {
  return norm(x, weight, {}, eps, weight_offset, false);
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps) {
  return norm(x, weight, bias, eps, 0.0, true);
}

}  // namespace distill
