// Mistral: Llama with a sliding window in every layer (Jiang et al. 2023), or in those that
// layer_types names: transformers reads such a config.json as Ministral's.
#include "model/families/families.h"
#include "model/hf_config.h"

namespace distill {

TransformerConfig read_mistral(const Json& json, const std::string& where) {
  TransformerConfig config = read_decoder(json, 0, where);
  read_kv_heads(json, where, config.layers);
  const int64_t window = read_window(json, 4096, where);
  for (LayerConfig& layer : config.layers) layer.window = window;
  read_layer_types(json, window, where, config.layers);
  return config;
}

}  // namespace distill
