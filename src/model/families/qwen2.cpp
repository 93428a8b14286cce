// Qwen 1.5, 2 and 2.5: Llama with biases on queries, keys and values.
#include "model/families/families.h"
#include "model/hf_config.h"

namespace distill {

TransformerConfig read_qwen2(const Json& json, const std::string& where) {
  TransformerConfig config = read_decoder(json, 0, where);
  read_kv_heads(json, where, config.layers);
  config.qkv_bias = true;
  read_qwen_windows(json, where, config.layers);
  return config;
}

}  // namespace distill
