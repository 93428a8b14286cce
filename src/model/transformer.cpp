#include "distill/model/transformer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "distill/core/error.h"
#include "distill/model/family.h"
#include "distill/model/sequence_cache.h"
#include "distill/ops/embedding.h"
#include "model/block.h"

namespace distill {
namespace {

/// Allocates the parameters that a config asks for.
struct Builder {
  const TransformerConfig& config;
  at::TensorOptions options;

  void fill(Parameter& parameter, std::vector<int64_t> shape) const {
    parameter.value = at::empty(shape, options);
  }
  void linear(Linear& module, int64_t in, int64_t out, bool bias) const {
    fill(module.weight, {out, in});
    if (bias) fill(module.bias, {out});
  }
  void norm(Norm& module) const {
    fill(module.weight, {config.hidden_size});
    if (config.norm_kind == NormKind::kLayer) fill(module.bias, {config.hidden_size});
  }
  void attention(AttentionModule& module, const LayerConfig& layer) const {
    const int64_t hidden = config.hidden_size, queries = layer.num_heads * layer.head_dim,
                  keys = layer.num_kv_heads * layer.head_dim;
    linear(module.query, hidden, queries, config.qkv_bias);
    linear(module.key, hidden, keys, config.qkv_bias);
    linear(module.value, hidden, keys, config.qkv_bias);
    linear(module.output, queries, hidden, config.attention_output_bias);
    if (!config.qk_norm) return;
    fill(module.query_norm.weight, {layer.head_dim});
    fill(module.key_norm.weight, {layer.head_dim});
  }
  void mlp(MlpModule& module, const LayerConfig& layer) const {
    const int64_t hidden = config.hidden_size, width = layer.intermediate_size;
    if (layer.gated_mlp) linear(module.gate, hidden, width, config.mlp_bias);
    linear(module.up, hidden, width, config.mlp_bias);
    linear(module.down, width, hidden, config.mlp_bias);
  }
  Block block(const LayerConfig& layer) const {
    const bool sandwich = config.norm_placement == NormPlacement::kSandwich;
    Block block;
    norm(block.attention_norm);
    switch (layer.mixer) {
      case MixerKind::kAttention:
        attention(block.attention, layer);
        break;
    }
    if (sandwich) norm(block.attention_output_norm);
    norm(block.mlp_norm);
    mlp(block.mlp, layer);
    if (sandwich) norm(block.mlp_output_norm);
    return block;
  }
};

void check_taps(const std::set<Tap>& taps, const TransformerConfig& config) {
  if (taps.empty()) return;
  const TapShapes known = tap_shapes(config);
  for (const Tap& tap : taps) {
    if (known.contains(tap)) continue;
    throw Error("the model has no such tap: " + tap_name(tap) + "; its blocks are 0 to " +
                std::to_string(config.num_layers() - 1));
  }
}

/// What is asked of the inside of block `layer`.
std::set<Tap::Kind> inner_taps(const std::set<Tap>& taps, int64_t layer) {
  std::set<Tap::Kind> kinds;
  for (const Tap& tap : taps) {
    if (tap.kind != Tap::Kind::kHidden && tap.layer == layer) kinds.insert(tap.kind);
  }
  return kinds;
}

void check_batch(const Batch& batch, const TransformerConfig& config, const SequenceCache* cache) {
  int64_t longest = batch.max_length;
  if (cache != nullptr) {
    for (const int64_t length : cache->lengths_with(batch)) longest = std::max(longest, length);
  }
  if (config.learned_positions && longest > config.max_positions) {
    throw DataError("a document of " + std::to_string(longest) + " tokens exceeds the model's " +
                    std::to_string(config.max_positions) + " learned positions");
  }
  if (!batch.tokens.is_cpu() || batch.tokens.numel() == 0) return;
  const auto [lowest, highest] = at::aminmax(batch.tokens);
  if (lowest.item<int64_t>() < 0 || highest.item<int64_t>() >= config.vocab_size) {
    const bool negative = lowest.item<int64_t>() < 0;
    throw DataError("token id " + std::to_string((negative ? lowest : highest).item<int64_t>()) +
                    " is outside the model's vocabulary of " + std::to_string(config.vocab_size));
  }
}

}  // namespace

TapShapes tap_shapes(const TransformerConfig& config) {
  TapShapes shapes = {{{Tap::Kind::kHidden, 0}, {config.hidden_size}}};
  int at = 0;
  for (const LayerConfig& layer : config.layers) {
    switch (layer.mixer) {
      case MixerKind::kAttention:
        shapes[{Tap::Kind::kQuery, at}] = {layer.num_heads, layer.head_dim};
        shapes[{Tap::Kind::kKey, at}] = {layer.num_kv_heads, layer.head_dim};
        shapes[{Tap::Kind::kValue, at}] = {layer.num_kv_heads, layer.head_dim};
        break;
    }
    shapes[{Tap::Kind::kHidden, ++at}] = {config.hidden_size};
  }
  return shapes;
}

Transformer::Transformer(TransformerConfig config, at::ScalarType dtype, at::Device device)
    : config_(std::move(config)) {
  const Builder build{config_, at::TensorOptions().dtype(dtype).device(device)};
  build.fill(modules_.token_embedding, {config_.vocab_size, config_.hidden_size});
  if (config_.learned_positions) {
    build.fill(modules_.position_embedding, {config_.max_positions, config_.hidden_size});
  }
  if (!config_.final_norm()) build.norm(modules_.embedding_norm);
  for (const LayerConfig& layer : config_.layers) modules_.blocks.push_back(build.block(layer));
  if (config_.final_norm()) build.norm(modules_.final_norm);
  if (!config_.tied_head) {
    build.fill(modules_.head.weight, {config_.vocab_size, config_.hidden_size});
  }
  if (config_.head_bias) build.fill(modules_.head.bias, {config_.vocab_size});
}

at::Tensor Transformer::embed(const Batch& batch, bool training) const {
  const Parameter& table = modules_.token_embedding;
  at::Tensor x = embedding(batch.tokens, table.value, table.gradient);
  if (config_.embedding_scale != 1.0) x = x * config_.embedding_scale;
  if (const Parameter& learned = modules_.position_embedding; learned.value.defined()) {
    x = x + embedding(batch.positions, learned.value, learned.gradient);
  }
  if (!config_.final_norm()) x = apply_norm(config_, modules_.embedding_norm, x);
  if (training && config_.embedding_dropout > 0.0) {
    x = at::dropout(x, config_.embedding_dropout, true);
  }
  return x;
}

Trace Transformer::forward(const Batch& batch, const ForwardOptions& options) const {
  check_taps(options.taps, config_);
  check_batch(batch, config_, options.cache);
  BlockContext context;
  context.config = &config_;
  context.segments = {batch.cu_seqlens, batch.bounds, batch.max_length};
  context.training = options.training;
  context.cache = options.cache;
  context.rotary = RotaryTables(config_, batch.positions, dtype());
  if (options.cache != nullptr) options.cache->begin(batch);

  Trace trace;
  const auto tap_hidden = [&](int64_t layer, at::Tensor& x) {
    const Tap tap{Tap::Kind::kHidden, static_cast<int>(layer)};
    if (!options.taps.contains(tap)) return;
    trace.taps[tap] = x;
    // The block's gradients are summed before the tap's is added, as they are under checkpointing.
    x = x.view_as(x);
  };
  const auto run = options.gradient_checkpointing && at::GradMode::is_enabled()
                       ? run_block_checkpointed
                       : run_block;
  at::Tensor x = embed(batch, options.training);
  for (int64_t layer = 0; layer < config_.num_layers(); ++layer) {
    tap_hidden(layer, x);
    BlockOutput out = run(modules_.blocks[static_cast<size_t>(layer)], layer, context, x,
                          inner_taps(options.taps, layer));
    for (const auto& [kind, value] : out.taps) trace.taps[{kind, static_cast<int>(layer)}] = value;
    x = std::move(out.hidden);
  }
  tap_hidden(config_.num_layers(), x);
  if (options.cache != nullptr) options.cache->end();
  trace.hidden = config_.final_norm() ? apply_norm(config_, modules_.final_norm, x) : x;
  return trace;
}

Head Transformer::head() const {
  Head head;
  head.weight = config_.tied_head ? modules_.token_embedding.value : modules_.head.weight.value;
  head.bias = modules_.head.bias.value;
  head.logit_scale = config_.logit_scale;
  head.logit_softcap = config_.logit_softcap;
  return head;
}

const Parameter& Transformer::head_parameter() const {
  return config_.tied_head ? modules_.token_embedding : modules_.head.weight;
}

void Transformer::visit(const Visitor& visitor) {
  const Family& family = find_family(config_.family, "model");
  walk(modules_, [&](WeightRole role, int64_t layer, std::string_view kind, Parameter& parameter) {
    if (!parameter.value.defined()) return;
    visitor(stored_weight(family, role, layer, kind).parameter_name(), parameter,
            parameter.value.dim() >= 2);
  });
}

void Transformer::visit(const ConstVisitor& visitor) const {
  const Family& family = find_family(config_.family, "model");
  walk(modules_,
       [&](WeightRole role, int64_t layer, std::string_view kind, const Parameter& parameter) {
         if (!parameter.value.defined()) return;
         visitor(stored_weight(family, role, layer, kind).parameter_name(), parameter,
                 parameter.value.dim() >= 2);
       });
}

}  // namespace distill
