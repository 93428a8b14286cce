// What the families' readers of config.json share.
#pragma once

#include <string>
#include <vector>

#include "distill/model/transformer_config.h"

namespace distill {

/// A size: an integer in [1, 2^31). Throws DataError.
int64_t read_size(const Json& json, const std::string& key, const std::string& where);
/// A number of layers: at most 4096. Throws DataError.
int64_t read_layer_count(const Json& json, const std::string& key, const std::string& where);
int64_t read_size_or(const Json& json, const std::string& key, int64_t fallback,
                     const std::string& where);
double read_dropout(const Json& json, const std::string& key, double fallback,
                    const std::string& where);
Activation read_activation(const Json& json, const std::string& key, const std::string& fallback,
                           const std::string& where);

/// The keys that Llama, Mistral and Qwen have in common: layers that are all alike, without a
/// window. `default_head_dim` 0: hidden / heads.
TransformerConfig read_decoder(const Json& json, int64_t default_head_dim,
                               const std::string& where);

/// Token ids and initializer_range, which every family has.
void read_common(const Json& json, const std::string& where, TransformerConfig& config);

/// Windows of Qwen2 and Qwen3: use_sliding_window, sliding_window, and layer_types or
/// max_window_layers.
void read_qwen_windows(const Json& json, const std::string& where,
                       std::vector<LayerConfig>& layers);

/// Windows as layer_types say, if the key is there.
void read_layer_types(const Json& json, int64_t window, const std::string& where,
                      std::vector<LayerConfig>& layers);

/// num_key_value_heads of a family that has no default for it.
void read_kv_heads(const Json& json, const std::string& where, std::vector<LayerConfig>& layers);

/// sliding_window: null is 0.
int64_t read_window(const Json& json, int64_t fallback, const std::string& where);

[[noreturn]] void unsupported(const std::string& where, const std::string& key,
                              const std::string& found, const std::string& known);

}  // namespace distill
