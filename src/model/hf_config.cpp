#include "model/hf_config.h"

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr int64_t kMaxSize = (int64_t{1} << 31) - 1;
constexpr int64_t kMaxLayers = 4096;

bool present(const Json& json, const std::string& key) {
  return json.contains(key) && !json.at(key).is_null();
}

void check_whole_rotation(const Json& json, const std::string& where) {
  const double part = json_double_or(json, "partial_rotary_factor", 1.0, where);
  if (part != 1.0) unsupported(where, "partial_rotary_factor", std::to_string(part), "1.0");
}

double read_factor(const Json& rope, const std::string& where) {
  if (!present(rope, "factor")) throw DataError(where + ": factor: missing");
  return json_double_or(rope, "factor", 1.0, where);
}

/// The outer key comes before the inner one, as in transformers.
int64_t original_max_positions(const Json& json, const Json& rope, const std::string& where,
                               const std::string& inner) {
  const char* key = "original_max_position_embeddings";
  if (present(json, key)) return read_size(json, key, where);
  if (present(rope, key)) return read_size(rope, key, inner);
  return read_size(json, "max_position_embeddings", where);
}

/// What `rope`, a member of config.json, says of the rotation.
void read_scaling(const Json& json, const Json& rope, const std::string& where,
                  const std::string& inner, RotaryConfig& rotary) {
  if (!rope.is_object()) throw DataError(inner + ": expected an object, found " + rope.dump());
  for (const auto& [key, value] : rope.items()) {
    if (value.is_object()) unsupported(inner, key, value.dump(), "one rotation for all layers");
  }
  check_whole_rotation(rope, inner);
  rotary.theta = json_double_or(rope, "rope_theta", rotary.theta, inner);
  const std::string old_type = json_string_or(rope, "type", "default", inner);
  const std::string type = json_string_or(rope, "rope_type", old_type, inner);
  if (type == "linear") {
    rotary.scaling = RotaryScaling::kLinear;
    rotary.factor = read_factor(rope, inner);
  } else if (type == "llama3") {
    rotary.scaling = RotaryScaling::kLlama3;
    rotary.factor = read_factor(rope, inner);
    rotary.low_freq_factor = json_double_or(rope, "low_freq_factor", 1.0, inner);
    rotary.high_freq_factor = json_double_or(rope, "high_freq_factor", 4.0, inner);
    rotary.original_max_positions = original_max_positions(json, rope, where, inner);
    if (!(rotary.high_freq_factor > rotary.low_freq_factor)) {
      throw DataError(inner + ": high_freq_factor must be greater than low_freq_factor");
    }
  } else if (type != "default") {
    unsupported(inner, "rope_type", '"' + type + '"', "default, linear, llama3");
  }
}

/// rope_theta and rope_scaling of before transformers 5, or its rope_parameters. Where both are
/// there rope_scaling counts, as in transformers.
RotaryConfig read_rotary(const Json& json, const std::string& where) {
  RotaryConfig rotary;
  rotary.theta = json_double_or(json, "rope_theta", rotary.theta, where);
  check_whole_rotation(json, where);
  const bool old = present(json, "rope_scaling") && !json["rope_scaling"].empty();
  const std::string key = old ? "rope_scaling" : "rope_parameters";
  if (present(json, key)) read_scaling(json, json[key], where, where + ": " + key, rotary);
  if (!(rotary.theta > 0.0) || !(rotary.factor > 0.0)) {
    throw DataError(where + ": rope_theta and the factor of the rotation must be positive");
  }
  return rotary;
}

}  // namespace

void unsupported(const std::string& where, const std::string& key, const std::string& found,
                 const std::string& known) {
  throw DataError(where + ": " + key + ": " + found + " is not supported (known: " + known + ")");
}

int64_t read_size(const Json& json, const std::string& key, const std::string& where) {
  const int64_t value = json_int(json, key, where);
  if (value < 1 || value > kMaxSize) {
    throw DataError(where + ": " + key + ": expected a size of at least 1, found " +
                    std::to_string(value));
  }
  return value;
}

int64_t read_layer_count(const Json& json, const std::string& key, const std::string& where) {
  const int64_t layers = read_size(json, key, where);
  if (layers > kMaxLayers) {
    throw DataError(where + ": " + key + ": expected at most " + std::to_string(kMaxLayers) +
                    " layers, found " + std::to_string(layers));
  }
  return layers;
}

int64_t read_size_or(const Json& json, const std::string& key, int64_t fallback,
                     const std::string& where) {
  return present(json, key) ? read_size(json, key, where) : fallback;
}

double read_dropout(const Json& json, const std::string& key, double fallback,
                    const std::string& where) {
  const double value = json_double_or(json, key, fallback, where);
  if (!(value >= 0.0 && value < 1.0)) {
    throw DataError(where + ": " + key + ": expected a probability in [0, 1), found " +
                    json[key].dump());
  }
  return value;
}

Activation read_activation(const Json& json, const std::string& key, const std::string& fallback,
                           const std::string& where) {
  const std::string name = json_string_or(json, key, fallback, where);
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  if (name == "relu") return Activation::kRelu;
  unsupported(where, key, '"' + name + '"', "silu, swish, gelu, gelu_new, gelu_pytorch_tanh, relu");
}

void read_common(const Json& json, const std::string& where, TransformerConfig& config) {
  config.source = json;
  config.family = json_string(json, "model_type", where);
  if (!json_bool_or(json, "is_causal", true, where)) {
    unsupported(where, "is_causal", "false", "true");
  }
  config.initializer_range = json_double_or(json, "initializer_range", 0.02, where);
  config.bos_id = json_int_or(json, "bos_token_id", -1, where);
  config.pad_id = json_int_or(json, "pad_token_id", -1, where);
  if (!present(json, "eos_token_id")) return;
  const Json& eos = json["eos_token_id"];
  for (const Json& id : eos.is_array() ? eos : Json::array({eos})) {
    if (!id.is_number_integer()) {
      throw DataError(where + ": eos_token_id: expected an integer or a list of them, found " +
                      eos.dump());
    }
    config.eos_ids.push_back(id.get<int64_t>());
  }
}

TransformerConfig read_decoder(const Json& json, int64_t default_head_dim,
                               const std::string& where) {
  TransformerConfig config;
  read_common(json, where, config);
  config.vocab_size = read_size(json, "vocab_size", where);
  config.hidden_size = read_size(json, "hidden_size", where);
  LayerConfig layer;
  layer.intermediate_size = read_size(json, "intermediate_size", where);
  const int64_t num_layers = read_layer_count(json, "num_hidden_layers", where);
  layer.num_heads = read_size(json, "num_attention_heads", where);
  layer.num_kv_heads = read_size_or(json, "num_key_value_heads", layer.num_heads, where);
  if (default_head_dim == 0) default_head_dim = config.hidden_size / layer.num_heads;
  layer.head_dim = read_size_or(json, "head_dim", default_head_dim, where);
  layer.rotary = 0;
  config.layers.assign(static_cast<size_t>(num_layers), layer);
  config.max_positions = read_size_or(json, "max_position_embeddings", 2048, where);
  config.norm_eps = json_double_or(json, "rms_norm_eps", 1e-6, where);
  config.activation = read_activation(json, "hidden_act", "silu", where);
  config.rotaries = {read_rotary(json, where)};
  config.tied_head = json_bool_or(json, "tie_word_embeddings", false, where);
  config.attention_dropout = read_dropout(json, "attention_dropout", 0.0, where);
  return config;
}

int64_t read_window(const Json& json, int64_t fallback, const std::string& where) {
  if (!json.contains("sliding_window")) return fallback;
  return read_size_or(json, "sliding_window", 0, where);
}

void read_layer_types(const Json& json, int64_t window, const std::string& where,
                      std::vector<LayerConfig>& layers) {
  if (!present(json, "layer_types")) return;
  const Json& types = json["layer_types"];
  if (!types.is_array() || types.size() != layers.size()) {
    throw DataError(where + ": layer_types: expected a list of " + std::to_string(layers.size()) +
                    " names, found " + types.dump());
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    if (types[i] == "full_attention") {
      layers[i].window = 0;
    } else if (types[i] == "sliding_attention") {
      if (window == 0) {
        throw DataError(where + ": layer_types[" + std::to_string(i) +
                        "] is \"sliding_attention\", but no sliding_window is set");
      }
      layers[i].window = window;
    } else {
      unsupported(where, "layer_types[" + std::to_string(i) + "]", types[i].dump(),
                  "full_attention, sliding_attention");
    }
  }
}

void read_qwen_windows(const Json& json, const std::string& where,
                       std::vector<LayerConfig>& layers) {
  const bool used = json_bool_or(json, "use_sliding_window", false, where);
  const int64_t window = used ? read_window(json, 4096, where) : 0;
  const int64_t first = json_int_or(json, "max_window_layers", 28, where);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (static_cast<int64_t>(i) >= first) layers[i].window = window;
  }
  read_layer_types(json, window, where, layers);
}

void read_kv_heads(const Json& json, const std::string& where, std::vector<LayerConfig>& layers) {
  const int64_t heads = read_size(json, "num_key_value_heads", where);
  for (LayerConfig& layer : layers) layer.num_kv_heads = heads;
}

}  // namespace distill
