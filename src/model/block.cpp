#include "model/block.h"

#include <ATen/ATen.h>

#include "distill/ops/activation.h"
#include "distill/ops/attention.h"
#include "distill/ops/norm.h"
#include "distill/ops/rotary.h"

namespace distill {
namespace {

at::Tensor apply(const Linear& linear, const at::Tensor& x) {
  return at::linear(x, linear.weight.value, linear.bias.value);
}

AttentionOptions attention_options(const BlockContext& context, int64_t layer) {
  const TransformerConfig& config = *context.config;
  AttentionOptions options;
  options.scale = config.attention_scale;
  options.causal = config.causal;
  options.window = config.windows[static_cast<size_t>(layer)];
  options.softcap = config.attention_softcap;
  options.dropout = context.training ? config.attention_dropout : 0.0;
  return options;
}

/// [T, D] -> [T, heads, head_dim], normed and rotated as the model asks.
at::Tensor project_heads(const Linear& projection, const Norm& norm, int64_t heads,
                         const BlockContext& context, const at::Tensor& x) {
  const TransformerConfig& config = *context.config;
  at::Tensor out = apply(projection, x).view({x.size(0), heads, config.head_dim});
  if (norm.weight.value.defined()) {
    out = rms_norm(out, norm.weight.value, config.norm_eps, config.norm_weight_offset);
  }
  if (context.rotary.cosine.defined()) {
    out = rotary(out, context.rotary.cosine, context.rotary.sine);
  }
  return out;
}

BlockOutput run_attention(const AttentionModule& module, int64_t layer, const BlockContext& context,
                          const at::Tensor& x, bool tap) {
  const TransformerConfig& config = *context.config;
  const at::Tensor q = project_heads(module.query, module.query_norm, config.num_heads, context, x);
  const at::Tensor k = project_heads(module.key, module.key_norm, config.num_kv_heads, context, x);
  const at::Tensor v =
      apply(module.value, x).view({x.size(0), config.num_kv_heads, config.head_dim});
  const AttentionOptions options = attention_options(context, layer);
  BlockOutput out;
  const at::Tensor mixed = context.cache != nullptr
                               ? context.cache->attend(layer, q, k, v, options)
                               : attention(q, k, v, context.segments, context.segments, options);
  if (tap) {
    AttentionOptions undropped = options;
    undropped.dropout = 0.0;
    out.attention = attention_probabilities(q, k, context.segments, context.segments, undropped);
  }
  out.hidden = apply(module.output, mixed.reshape({x.size(0), config.num_heads * config.head_dim}));
  return out;
}

at::Tensor run_mlp(const MlpModule& module, const TransformerConfig& config, const at::Tensor& x) {
  const at::Tensor up = apply(module.up, x);
  return apply(module.down, config.gated_mlp ? gated(apply(module.gate, x), up, config.activation)
                                             : activate(up, config.activation));
}

/// x + f, with the norms that the placement puts on f and on the sum.
at::Tensor add_residual(const BlockContext& context, const Norm& norm, const Norm& output_norm,
                        const at::Tensor& x, at::Tensor f) {
  const TransformerConfig& config = *context.config;
  if (config.norm_placement == NormPlacement::kSandwich) f = apply_norm(config, output_norm, f);
  if (context.training && config.residual_dropout > 0.0) {
    f = at::dropout(f, config.residual_dropout, true);
  }
  const at::Tensor sum = x + f;
  return config.norm_placement == NormPlacement::kPost ? apply_norm(config, norm, sum) : sum;
}

at::Tensor input_of(const TransformerConfig& config, const Norm& norm, const at::Tensor& x) {
  return config.norm_placement == NormPlacement::kPost ? x : apply_norm(config, norm, x);
}

}  // namespace

at::Tensor apply_norm(const TransformerConfig& config, const Norm& norm, const at::Tensor& x) {
  return config.norm_kind == NormKind::kRms
             ? rms_norm(x, norm.weight.value, config.norm_eps, config.norm_weight_offset)
             : layer_norm(x, norm.weight.value, norm.bias.value, config.norm_eps);
}

BlockOutput run_block(const Block& block, int64_t layer, const BlockContext& context,
                      const at::Tensor& x, bool tap_attention) {
  const TransformerConfig& config = *context.config;
  BlockOutput out = run_attention(block.attention, layer, context,
                                  input_of(config, block.attention_norm, x), tap_attention);
  out.hidden = add_residual(context, block.attention_norm, block.attention_output_norm, x,
                            std::move(out.hidden));
  at::Tensor f = run_mlp(block.mlp, config, input_of(config, block.mlp_norm, out.hidden));
  out.hidden =
      add_residual(context, block.mlp_norm, block.mlp_output_norm, out.hidden, std::move(f));
  return out;
}

}  // namespace distill
