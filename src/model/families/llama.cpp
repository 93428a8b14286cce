// Llama 1 to 3, SmolLM2 and the many that share its layout (Touvron et al. 2023).
#include "model/families/families.h"
#include "model/hf_config.h"

namespace distill {

TransformerConfig read_llama(const Json& json, const std::string& where) {
  TransformerConfig config = read_decoder(json, 0, where);
  config.qkv_bias = json_bool_or(json, "attention_bias", false, where);
  config.attention_output_bias = config.qkv_bias;
  config.mlp_bias = json_bool_or(json, "mlp_bias", false, where);
  return config;
}

std::span<const WeightRow> llama_weights() {
  static constexpr WeightRow kRows[] = {
      {WeightRole::kTokenEmbedding, "model.embed_tokens"},
      {WeightRole::kAttentionNorm, "model.layers.{}.input_layernorm"},
      {WeightRole::kQuery, "model.layers.{}.self_attn.q_proj"},
      {WeightRole::kKey, "model.layers.{}.self_attn.k_proj"},
      {WeightRole::kValue, "model.layers.{}.self_attn.v_proj"},
      {WeightRole::kQueryNorm, "model.layers.{}.self_attn.q_norm"},
      {WeightRole::kKeyNorm, "model.layers.{}.self_attn.k_norm"},
      {WeightRole::kAttentionOutput, "model.layers.{}.self_attn.o_proj"},
      {WeightRole::kMlpNorm, "model.layers.{}.post_attention_layernorm"},
      {WeightRole::kGate, "model.layers.{}.mlp.gate_proj"},
      {WeightRole::kUp, "model.layers.{}.mlp.up_proj"},
      {WeightRole::kDown, "model.layers.{}.mlp.down_proj"},
      {WeightRole::kFinalNorm, "model.norm"},
      {WeightRole::kHead, "lm_head"},
  };
  return kRows;
}

}  // namespace distill
