// Qwen 1.5, 2 and 2.5: Llama with biases on queries, keys and values.
#include "model/families/families.h"
#include "model/hf_config.h"

namespace distill {

TransformerConfig read_qwen2(const Json& json, const std::string& where) {
  TransformerConfig config = read_decoder(json, 0, where);
  config.num_kv_heads = read_size(json, "num_key_value_heads", where);
  config.qkv_bias = true;
  config.windows = read_qwen_windows(json, config.num_layers, where);
  return config;
}

}  // namespace distill
