#include "distill/ops/embedding.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cpu/embedding_cpu.h"
#include "ops/dispatch.h"

namespace distill {
namespace {

/// The lookup whose backward adds into a buffer of the caller's.
struct BufferedEmbedding : torch::autograd::Function<BufferedEmbedding> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& weight,
                            const at::Tensor& ids, const at::Tensor& gradient) {
    context->saved_data["gradient"] = gradient;
    context->save_for_backward({ids});
    return at::embedding(weight, ids);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    at::Tensor gradient = context->saved_data["gradient"].toTensor();
    const at::Tensor ids = context->get_saved_variables()[0];
    const at::ScalarType type = gradient.scalar_type();
    if (has_cpu_kernel(grads[0]) && gradient.is_contiguous() &&
        type == arithmetic_type(grads[0].scalar_type())) {
      embedding_backward_cpu(grads[0], ids, gradient);
    } else {
      gradient.index_add_(0, ids, grads[0].to(type));
    }
    return {at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor embedding(const at::Tensor& ids, const at::Tensor& weight, const at::Tensor& gradient) {
  TORCH_CHECK(ids.dim() == 1 && ids.scalar_type() == at::kLong && weight.dim() == 2,
              "embedding: expected int64 ids [T] and weight [V, D], found ", ids.toString(),
              ids.sizes(), " and ", weight.sizes());
  if (!gradient.defined() || !at::GradMode::is_enabled() || !weight.requires_grad()) {
    return at::embedding(weight, ids);
  }
  TORCH_CHECK(
      gradient.sizes() == weight.sizes() && !gradient.requires_grad() &&
          (gradient.scalar_type() == at::kFloat || gradient.scalar_type() == weight.scalar_type()),
      "embedding: the gradient buffer ", gradient.toString(), gradient.sizes(),
      " does not go with weight ", weight.toString(), weight.sizes());
  return BufferedEmbedding::apply(weight, ids, gradient);
}

}  // namespace distill
