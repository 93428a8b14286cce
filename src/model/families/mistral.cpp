// Mistral: Llama with a sliding window in every layer (Jiang et al. 2023).
#include "model/families/families.h"
#include "model/hf_config.h"

namespace distill {

TransformerConfig read_mistral(const Json& json, const std::string& where) {
  TransformerConfig config = read_decoder(json, 0, where);
  config.num_kv_heads = read_size(json, "num_key_value_heads", where);
  config.windows.assign(static_cast<size_t>(config.num_layers), read_window(json, 4096, where));
  return config;
}

}  // namespace distill
