#include "distill/model/transformer_config.h"

#include <algorithm>
#include <cmath>

#include "distill/core/error.h"
#include "distill/model/family.h"
#include "distill/model/transformer.h"
#include "distill/ops/device.h"

namespace distill {
namespace {

void check(const TransformerConfig& config, const std::string& where) {
  const auto fail = [&](const std::string& problem) { throw DataError(where + ": " + problem); };
  for (const LayerConfig& layer : config.layers) {
    if (layer.num_heads % layer.num_kv_heads != 0) {
      fail(std::to_string(layer.num_heads) + " attention heads are no multiple of " +
           std::to_string(layer.num_kv_heads) + " key and value heads");
    }
    if (layer.head_dim < 1 || layer.head_dim > 65536) {
      fail("the width of a head is " + std::to_string(layer.head_dim));
    }
    if (layer.rotary && layer.head_dim % 2 != 0) {
      fail("rotary positions need heads of even width, found " + std::to_string(layer.head_dim));
    }
  }
  if (!(config.norm_eps >= 0.0)) fail("the epsilon of the norms is negative");
}

/// What of the layers a reader of `json` would take for something else; empty: nothing.
std::string misread_part(const TransformerConfig& config, const Json& json) {
  const TransformerConfig read = transformer_config_from_json(json, "config.json to be written");
  if (read.num_layers() != config.num_layers()) return "the number of layers";
  const auto own =
      std::mismatch(config.layers.begin(), config.layers.end(), read.layers.begin()).first;
  if (own != config.layers.end()) return "layer " + std::to_string(own - config.layers.begin());
  return read.rotaries == config.rotaries ? "" : "the rotary positions";
}

/// Windows are written out where they differ, and where a rule such as max_window_layers no longer
/// gives them, since layers were taken out.
bool needs_layer_types(const TransformerConfig& config, const Json& json) {
  if (json.contains("layer_types") && !json.at("layer_types").is_null()) return true;
  const auto differ = [](const LayerConfig& a, const LayerConfig& b) {
    return a.window != b.window;
  };
  const auto& layers = config.layers;
  return std::adjacent_find(layers.begin(), layers.end(), differ) != layers.end() ||
         !misread_part(config, json).empty();
}

}  // namespace

TransformerConfig transformer_config_from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) throw DataError(where + ": expected an object");
  const std::string type = json_string(json, "model_type", where);
  TransformerConfig config = find_family(type, where).read_config(json, where);
  check(config, where);
  return config;
}

TransformerConfig select_layers(TransformerConfig config, const std::vector<int64_t>& layers) {
  if (layers.empty()) throw ConfigError("a student needs at least one of the teacher's layers");
  std::vector<LayerConfig> selected;
  for (const int64_t layer : layers) {
    if (layer < 0 || layer >= config.num_layers()) {
      throw ConfigError("layer " + std::to_string(layer) +
                        " was asked of a teacher that has layers 0 to " +
                        std::to_string(config.num_layers() - 1));
    }
    selected.push_back(config.layers[static_cast<size_t>(layer)]);
  }
  config.layers = std::move(selected);
  return config;
}

AttentionOptions attention_options(const TransformerConfig& config, int64_t layer) {
  const LayerConfig& own = config.layers.at(static_cast<size_t>(layer));
  AttentionOptions options;
  options.scale = own.attention_scale != 0.0 ? own.attention_scale
                                             : 1.0 / std::sqrt(static_cast<double>(own.head_dim));
  options.causal = config.causal;
  options.window = own.window;
  options.softcap = config.attention_softcap;
  return options;
}

TransformerConfig read_transformer_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  TransformerConfig config = transformer_config_from_json(read_json(path), path.string());
  const std::filesystem::path generation = folder / "generation_config.json";
  if (std::filesystem::exists(generation)) config.generation_config = read_json(generation);
  return config;
}

Json transformer_config_to_json(const TransformerConfig& config, at::ScalarType dtype) {
  Json json = config.source;
  const bool is_short = json.contains("n_layer"), is_long = json.contains("num_hidden_layers");
  if (is_short) json["n_layer"] = config.num_layers();
  if (is_long || !is_short) json["num_hidden_layers"] = config.num_layers();
  json["vocab_size"] = config.vocab_size;
  json[json.contains("dtype") ? "dtype" : "torch_dtype"] = dtype_name(dtype);
  if (json.contains("dtype")) json.erase("torch_dtype");
  if (needs_layer_types(config, json)) {
    Json types = Json::array();
    for (const LayerConfig& layer : config.layers) {
      types.push_back(layer.window > 0 ? "sliding_attention" : "full_attention");
    }
    json["layer_types"] = std::move(types);
  }
  if (const std::string part = misread_part(config, json); !part.empty()) {
    throw DataError("a " + config.family + " model's config.json cannot describe " + part +
                    " of this model");
  }
  return json;
}

int64_t parameter_count(const TransformerConfig& config) {
  int64_t count = 0;
  const Transformer shapes(config, at::kFloat, at::kMeta);
  shapes.visit([&](const std::string&, const Parameter& parameter, bool) {
    count += parameter.value.numel();
  });
  return count;
}

}  // namespace distill
