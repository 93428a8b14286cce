// Qwen 3: RMSNorm on each head's queries and keys instead of biases.
#include "model/families/families.h"
#include "model/hf_config.h"

namespace distill {

TransformerConfig read_qwen3(const Json& json, const std::string& where) {
  TransformerConfig config = read_decoder(json, 128, where);
  read_kv_heads(json, where, config.layers);
  config.qkv_bias = json_bool_or(json, "attention_bias", false, where);
  config.attention_output_bias = config.qkv_bias;
  config.qk_norm = true;
  read_qwen_windows(json, where, config.layers);
  return config;
}

}  // namespace distill
