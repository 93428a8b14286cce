// GPT-2 (Radford et al. 2019): learned positions, LayerNorm, a plain MLP, biases everywhere,
// matrices stored [in, out] and queries, keys and values in one.
#include "model/families/families.h"
#include "model/hf_config.h"

namespace distill {

TransformerConfig read_gpt2(const Json& json, const std::string& where) {
  TransformerConfig config;
  read_common(json, where, config);
  config.vocab_size = read_size(json, "vocab_size", where);
  config.hidden_size = read_size(json, "n_embd", where);
  const int64_t num_layers = read_layer_count(json, "n_layer", where);
  LayerConfig layer;
  layer.num_heads = read_size(json, "n_head", where);
  layer.num_kv_heads = layer.num_heads;
  layer.head_dim = config.hidden_size / layer.num_heads;
  if (layer.head_dim * layer.num_heads != config.hidden_size) {
    unsupported(where, "n_head", json["n_head"].dump(), "a divisor of n_embd");
  }
  layer.intermediate_size = read_size_or(json, "n_inner", 4 * config.hidden_size, where);
  layer.gated_mlp = false;
  config.max_positions = read_size(json, "n_positions", where);
  config.norm_kind = NormKind::kLayer;
  config.norm_eps = json_double_or(json, "layer_norm_epsilon", 1e-5, where);
  config.activation = read_activation(json, "activation_function", "gelu_new", where);
  config.qkv_bias = config.attention_output_bias = config.mlp_bias = true;
  config.learned_positions = true;
  config.tied_head = json_bool_or(json, "tie_word_embeddings", true, where);
  config.embedding_dropout = read_dropout(json, "embd_pdrop", 0.1, where);
  config.attention_dropout = read_dropout(json, "attn_pdrop", 0.1, where);
  config.residual_dropout = read_dropout(json, "resid_pdrop", 0.1, where);
  config.scaled_residual_init = true;
  if (!json_bool_or(json, "scale_attn_weights", true, where)) layer.attention_scale = 1.0;
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"}) {
    if (json_bool_or(json, key, false, where)) unsupported(where, key, "true", "false");
  }
  config.layers.assign(static_cast<size_t>(num_layers), layer);
  return config;
}

std::span<const WeightRow> gpt2_weights() {
  static constexpr WeightRow kRows[] = {
      {WeightRole::kTokenEmbedding, "transformer.wte"},
      {WeightRole::kPositionEmbedding, "transformer.wpe"},
      {WeightRole::kAttentionNorm, "transformer.h.{}.ln_1"},
      {WeightRole::kQuery, "transformer.h.{}.attn.c_attn", true, 0, 3},
      {WeightRole::kKey, "transformer.h.{}.attn.c_attn", true, 1, 3},
      {WeightRole::kValue, "transformer.h.{}.attn.c_attn", true, 2, 3},
      {WeightRole::kAttentionOutput, "transformer.h.{}.attn.c_proj", true},
      {WeightRole::kMlpNorm, "transformer.h.{}.ln_2"},
      {WeightRole::kUp, "transformer.h.{}.mlp.c_fc", true},
      {WeightRole::kDown, "transformer.h.{}.mlp.c_proj", true},
      {WeightRole::kFinalNorm, "transformer.ln_f"},
      {WeightRole::kHead, "lm_head"},
  };
  return kRows;
}

}  // namespace distill
