#include "model/block.h"

#include <ATen/ATen.h>

#include "distill/core/error.h"
#include "distill/ops/activation.h"
#include "distill/ops/attention.h"
#include "distill/ops/norm.h"
#include "distill/ops/rotary.h"

namespace distill {
namespace {

at::Tensor apply(const Linear& linear, const at::Tensor& x) {
  return at::linear(x, linear.weight.value, linear.bias.value);
}

/// [T, D] -> [T, heads, head_dim], normed and rotated as the model asks.
at::Tensor project_heads(const Linear& projection, const Norm& norm, int64_t heads, int64_t layer,
                         const BlockContext& context, const at::Tensor& x) {
  const TransformerConfig& config = *context.config;
  const LayerConfig& own = context.layer(layer);
  at::Tensor out = apply(projection, x).view({x.size(0), heads, own.head_dim});
  if (norm.weight.value.defined()) {
    out = rms_norm(out, norm.weight.value, config.norm_eps, config.norm_weight_offset);
  }
  if (const RotaryTable* table = context.rotary.find(own)) {
    out = rotary(out, table->cosine, table->sine);
  }
  return out;
}

/// A view stands for the value: the gradients of all who use the tap are summed there before the
/// block's own is added, as they are under checkpointing.
void put_tap(BlockOutput& out, const std::set<Tap::Kind>& taps, Tap::Kind kind,
             const at::Tensor& value) {
  if (taps.contains(kind)) out.taps[kind] = value.view_as(value);
}

BlockOutput run_attention(const AttentionModule& module, int64_t layer, const BlockContext& context,
                          const at::Tensor& x, const std::set<Tap::Kind>& taps) {
  const LayerConfig& own = context.layer(layer);
  const at::Tensor q =
      project_heads(module.query, module.query_norm, own.num_heads, layer, context, x);
  const at::Tensor k =
      project_heads(module.key, module.key_norm, own.num_kv_heads, layer, context, x);
  const at::Tensor v = apply(module.value, x).view({x.size(0), own.num_kv_heads, own.head_dim});
  BlockOutput out;
  put_tap(out, taps, Tap::Kind::kQuery, q);
  put_tap(out, taps, Tap::Kind::kKey, k);
  put_tap(out, taps, Tap::Kind::kValue, v);
  AttentionOptions options = attention_options(*context.config, layer);
  if (context.training) options.dropout = context.config->attention_dropout;
  const at::Tensor mixed = context.cache != nullptr
                               ? context.cache->attend(layer, q, k, v, options)
                               : attention(q, k, v, context.segments, context.segments, options);
  out.hidden = apply(module.output, mixed.reshape({x.size(0), own.num_heads * own.head_dim}));
  return out;
}

/// The part of a block that mixes tokens: x [T, D], normed.
BlockOutput run_mixer(const Block& block, int64_t layer, const BlockContext& context,
                      const at::Tensor& x, const std::set<Tap::Kind>& taps) {
  switch (context.layer(layer).mixer) {
    case MixerKind::kAttention:
      return run_attention(block.attention, layer, context, x, taps);
  }
  throw Error("a layer with a mixer of no known kind");
}

at::Tensor run_mlp(const MlpModule& module, bool is_gated, Activation activation,
                   const at::Tensor& x) {
  const at::Tensor up = apply(module.up, x);
  return apply(module.down,
               is_gated ? gated(apply(module.gate, x), up, activation) : activate(up, activation));
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
                      const at::Tensor& x, const std::set<Tap::Kind>& taps) {
  const TransformerConfig& config = *context.config;
  BlockOutput out =
      run_mixer(block, layer, context, input_of(config, block.attention_norm, x), taps);
  out.hidden = add_residual(context, block.attention_norm, block.attention_output_norm, x,
                            std::move(out.hidden));
  at::Tensor f = run_mlp(block.mlp, context.layer(layer).gated_mlp, config.activation,
                         input_of(config, block.mlp_norm, out.hidden));
  out.hidden =
      add_residual(context, block.mlp_norm, block.mlp_output_norm, out.hidden, std::move(f));
  return out;
}

}  // namespace distill
