#include "distill/model/transformer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "distill/core/error.h"
#include "distill/model/family.h"
#include "distill/model/kv_cache.h"
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
  void block(Block& block) const {
    const TransformerConfig& c = config;
    const bool sandwich = c.norm_placement == NormPlacement::kSandwich;
    norm(block.attention_norm);
    AttentionModule& attention = block.attention;
    linear(attention.query, c.hidden_size, c.num_heads * c.head_dim, c.qkv_bias);
    linear(attention.key, c.hidden_size, c.num_kv_heads * c.head_dim, c.qkv_bias);
    linear(attention.value, c.hidden_size, c.num_kv_heads * c.head_dim, c.qkv_bias);
    linear(attention.output, c.num_heads * c.head_dim, c.hidden_size, c.attention_output_bias);
    if (c.qk_norm) {
      fill(attention.query_norm.weight, {c.head_dim});
      fill(attention.key_norm.weight, {c.head_dim});
    }
    if (sandwich) norm(block.attention_output_norm);
    norm(block.mlp_norm);
    if (c.gated_mlp) linear(block.mlp.gate, c.hidden_size, c.intermediate_size, c.mlp_bias);
    linear(block.mlp.up, c.hidden_size, c.intermediate_size, c.mlp_bias);
    linear(block.mlp.down, c.intermediate_size, c.hidden_size, c.mlp_bias);
    if (sandwich) norm(block.mlp_output_norm);
  }
};

void check_taps(const ForwardOptions& options, const TransformerConfig& config) {
  for (const Tap& tap : options.taps) {
    const bool hidden = tap.kind == Tap::Kind::kHidden;
    if (!hidden && options.cache != nullptr) {
      throw ConfigError("attention probabilities were asked of a pass with a cache");
    }
    const int64_t last = hidden ? config.num_layers : config.num_layers - 1;
    if (tap.layer < 0 || tap.layer > last) {
      throw ConfigError(std::string(hidden ? "hidden state" : "attention") + " of layer " +
                        std::to_string(tap.layer) + " was asked of a model that has layers 0 to " +
                        std::to_string(last));
    }
  }
}

void check_batch(const Batch& batch, const TransformerConfig& config, const KvCache* cache) {
  int64_t longest = batch.max_length;
  if (cache != nullptr) {
    for (int64_t n = 0; n < batch.document_count(); ++n) {
      const auto at = static_cast<size_t>(n);
      longest =
          std::max(longest, cache->lengths().at(at) + batch.bounds[at + 1] - batch.bounds[at]);
    }
  }
  if (config.positions == PositionKind::kLearned && longest > config.max_positions) {
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

Transformer::Transformer(TransformerConfig config, at::ScalarType dtype, at::Device device)
    : config_(std::move(config)) {
  const Builder build{config_, at::TensorOptions().dtype(dtype).device(device)};
  build.fill(modules_.token_embedding, {config_.vocab_size, config_.hidden_size});
  if (config_.positions == PositionKind::kLearned) {
    build.fill(modules_.position_embedding, {config_.max_positions, config_.hidden_size});
  }
  if (!config_.final_norm()) build.norm(modules_.embedding_norm);
  modules_.blocks.resize(static_cast<size_t>(config_.num_layers));
  for (Block& block : modules_.blocks) build.block(block);
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
  check_taps(options, config_);
  check_batch(batch, config_, options.cache);
  BlockContext context;
  context.config = &config_;
  context.segments = {batch.cu_seqlens, batch.bounds, batch.max_length};
  context.training = options.training;
  context.cache = options.cache;
  if (config_.positions == PositionKind::kRotary) {
    context.rotary = rotary_table(config_.rotary, config_.head_dim, batch.positions, dtype());
  }
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
  for (int64_t layer = 0; layer < config_.num_layers; ++layer) {
    tap_hidden(layer, x);
    const Tap tap{Tap::Kind::kAttention, static_cast<int>(layer)};
    const bool tapped = options.taps.contains(tap);
    BlockOutput out = run(modules_.blocks[static_cast<size_t>(layer)], layer, context, x, tapped);
    if (tapped) trace.taps[tap] = out.attention;
    x = std::move(out.hidden);
  }
  tap_hidden(config_.num_layers, x);
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
