// Gradient checkpointing of a block as one autograd node.
//
// The block's parameters are inputs of the node, so that it is recorded even where x needs no
// gradient (the embedding is frozen). They get their gradients inside: backward runs the block
// again on the real leaves, and the inner backward adds into them as it would have without
// checkpointing.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include "model/block.h"

namespace distill {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Everything needed to run the block once more.
struct Recipe : torch::CustomClassHolder {
  const Block* block = nullptr;
  int64_t layer = 0;
  BlockContext context;
  std::set<Tap::Kind> taps;
  bool x_requires_grad = false;
  at::Tensor random_state;  // undefined without dropout

  /// The output, then the taps in the order of their kinds.
  variable_list run(const at::Tensor& x) const {
    const BlockOutput out = run_block(*block, layer, context, x, taps);
    variable_list values{out.hidden};
    for (const auto& [kind, value] : out.taps) values.push_back(value);
    return values;
  }
};

at::Generator default_generator(at::Device device) {
  return at::globalContext().defaultGenerator(device);
}

class CheckpointedBlock : public torch::autograd::Function<CheckpointedBlock> {
 public:
  static variable_list forward(AutogradContext* ctx, at::TensorList inputs,
                               const c10::intrusive_ptr<Recipe>& recipe) {
    ctx->set_materialize_grads(false);
    ctx->save_for_backward({inputs[0]});
    ctx->saved_data["recipe"] =
        c10::IValue::make_capsule(c10::intrusive_ptr<torch::CustomClassHolder>(recipe));
    ctx->saved_data["inputs"] = static_cast<int64_t>(inputs.size());
    return recipe->run(inputs[0]);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto holder = ctx->saved_data["recipe"].toCapsule();
    const auto& recipe = static_cast<const Recipe&>(*holder);
    const at::Tensor x = ctx->get_saved_variables()[0].detach();
    x.set_requires_grad(recipe.x_requires_grad);
    const variable_list rerun_outputs = rerun(recipe, x);
    variable_list outputs, output_gradients;
    for (size_t i = 0; i < rerun_outputs.size(); ++i) {
      if (!gradients[i].defined() || !rerun_outputs[i].requires_grad()) continue;
      outputs.push_back(rerun_outputs[i]);
      output_gradients.push_back(gradients[i]);
    }
    if (!outputs.empty()) torch::autograd::backward(outputs, output_gradients);
    variable_list result(static_cast<size_t>(ctx->saved_data["inputs"].toInt()) + 1);
    result[0] = x.grad();
    return result;
  }

 private:
  static variable_list rerun(const Recipe& recipe, const at::Tensor& x) {
    const at::AutoGradMode recorded(true);
    if (!recipe.random_state.defined()) return recipe.run(x);
    at::Generator generator = default_generator(x.device());
    const at::Tensor now = generator.get_state();
    generator.set_state(recipe.random_state);
    variable_list outputs = recipe.run(x);
    generator.set_state(now);
    return outputs;
  }
};

variable_list block_inputs(const Block& block, const at::Tensor& x) {
  variable_list inputs{x};
  walk_block(block, 0, [&](WeightRole, int64_t, std::string_view, const Parameter& parameter) {
    if (parameter.value.defined()) inputs.push_back(parameter.value);
  });
  return inputs;
}

}  // namespace

BlockOutput run_block_checkpointed(const Block& block, int64_t layer, const BlockContext& context,
                                   const at::Tensor& x, const std::set<Tap::Kind>& taps) {
  auto recipe = c10::make_intrusive<Recipe>();
  recipe->block = &block;
  recipe->layer = layer;
  recipe->context = context;
  recipe->taps = taps;
  recipe->x_requires_grad = x.requires_grad();
  const TransformerConfig& config = *context.config;
  if (context.training && (config.attention_dropout > 0.0 || config.residual_dropout > 0.0)) {
    recipe->random_state = default_generator(x.device()).get_state();
  }
  const variable_list inputs = block_inputs(block, x);
  const variable_list outputs = CheckpointedBlock::apply(at::TensorList(inputs), recipe);
  BlockOutput out{outputs[0], {}};
  size_t next = 1;
  for (const Tap::Kind kind : taps) out.taps[kind] = outputs[next++];
  return out;
}

}  // namespace distill
