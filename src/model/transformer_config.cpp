#include "distill/model/transformer_config.h"

#include <cmath>

#include "distill/core/error.h"
#include "distill/model/family.h"
#include "distill/model/transformer.h"

namespace distill {
namespace {

void check(const TransformerConfig& config, const std::string& where) {
  const auto fail = [&](const std::string& problem) { throw DataError(where + ": " + problem); };
  if (config.num_heads % config.num_kv_heads != 0) {
    fail(std::to_string(config.num_heads) + " attention heads are no multiple of " +
         std::to_string(config.num_kv_heads) + " key and value heads");
  }
  if (config.head_dim < 1 || config.head_dim > 65536) {
    fail("the width of a head is " + std::to_string(config.head_dim));
  }
  if (config.positions == PositionKind::kRotary && config.head_dim % 2 != 0) {
    fail("rotary positions need heads of even width, found " + std::to_string(config.head_dim));
  }
  if (!(config.norm_eps >= 0.0)) fail("the epsilon of the norms is negative");
}

std::string_view dtype_name(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kHalf:
      return "float16";
    case at::kBFloat16:
      return "bfloat16";
    default:
      throw Error(std::string("no name for dtype ") + at::toString(dtype));
  }
}

/// Blocks of several kinds: written out, since a rule such as max_window_layers no longer holds
/// once layers were taken out.
bool needs_layer_types(const TransformerConfig& config) {
  if (config.source.contains("layer_types") && !config.source.at("layer_types").is_null()) {
    return true;
  }
  return std::adjacent_find(config.windows.begin(), config.windows.end(), std::not_equal_to<>()) !=
         config.windows.end();
}

}  // namespace

TransformerConfig transformer_config_from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) throw DataError(where + ": expected an object");
  const std::string type = json_string(json, "model_type", where);
  TransformerConfig config = find_family(type, where).read_config(json, where);
  check(config, where);
  if (config.attention_scale == 0.0) {
    config.attention_scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim));
  }
  return config;
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
  json[json.contains("n_layer") ? "n_layer" : "num_hidden_layers"] = config.num_layers;
  json["vocab_size"] = config.vocab_size;
  json[json.contains("dtype") ? "dtype" : "torch_dtype"] = dtype_name(dtype);
  if (json.contains("dtype")) json.erase("torch_dtype");
  if (needs_layer_types(config)) {
    Json types = Json::array();
    for (const int64_t window : config.windows) {
      types.push_back(window > 0 ? "sliding_attention" : "full_attention");
    }
    json["layer_types"] = std::move(types);
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
