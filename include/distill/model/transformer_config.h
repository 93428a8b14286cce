// Every switch of a transformer as data: what its layers share, and what each has of its own. A
// family (family.h) fills it from a Hugging Face config.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "distill/io/json.h"
#include "distill/ops/activation.h"
#include "distill/ops/attention.h"

namespace distill {

enum class NormKind {
  kRms,
  kLayer,  ///< with bias
};

/// Where the norms of a block stand.
enum class NormPlacement {
  kPre,       ///< x + f(norm(x))
  kPost,      ///< norm(x + f(x))
  kSandwich,  ///< x + norm(f(norm(x)))
};

enum class RotaryScaling {
  kNone,
  kLinear,  ///< every frequency divided by `factor`
  kLlama3,  ///< low frequencies divided, high ones kept, a ramp between (Llama 3.1)
};

struct RotaryConfig {
  double theta = 10000.0;
  RotaryScaling scaling = RotaryScaling::kNone;
  double factor = 1.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  int64_t original_max_positions = 0;

  bool operator==(const RotaryConfig&) const = default;
};

/// What mixes the tokens of a document in a block.
enum class MixerKind { kAttention };

/// What may differ from layer to layer.
struct LayerConfig {
  MixerKind mixer = MixerKind::kAttention;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t window = 0;                 ///< keys that a query sees, its own included; 0: all
  std::optional<size_t> rotary = {};  ///< index into TransformerConfig::rotaries; none: no rotation
  double attention_scale = 0.0;       ///< multiplies the scores; 0: 1 / sqrt(head_dim)
  bool gated_mlp = true;              ///< gate and up projection, or up alone
  int64_t intermediate_size = 0;      ///< width of the MLP

  bool operator==(const LayerConfig&) const = default;
};

struct TransformerConfig {
  std::string family;  ///< Hugging Face's model_type

  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t max_positions = 0;
  std::vector<LayerConfig> layers;
  std::vector<RotaryConfig> rotaries;  ///< the distinct ones that layers name
  bool learned_positions = false;      ///< a table of max_positions rows, added to the embedding

  NormKind norm_kind = NormKind::kRms;
  NormPlacement norm_placement = NormPlacement::kPre;
  double norm_eps = 1e-6;
  double norm_weight_offset = 0.0;  ///< 1: the norm multiplies by 1 + weight

  Activation activation = Activation::kSilu;
  bool qkv_bias = false;
  bool attention_output_bias = false;
  bool mlp_bias = false;
  bool head_bias = false;
  bool qk_norm = false;  ///< RMSNorm of each head's queries and keys, before the rotation

  bool causal = true;
  double attention_softcap = 0.0;  ///< 0: none
  double logit_scale = 1.0;
  double logit_softcap = 0.0;  ///< 0: none
  double embedding_scale = 1.0;
  bool tied_head = false;

  double embedding_dropout = 0.0;
  double attention_dropout = 0.0;
  double residual_dropout = 0.0;

  double initializer_range = 0.02;
  bool scaled_residual_init = false;  ///< residual projections start at range / sqrt(2 layers)

  int64_t bos_id = -1;  ///< -1: none
  int64_t pad_id = -1;
  std::vector<int64_t> eos_ids;

  Json source;             ///< the config.json it came from: saving gives back every key
  Json generation_config;  ///< generation_config.json beside it, or null

  int64_t num_layers() const { return static_cast<int64_t>(layers.size()); }
  bool final_norm() const { return norm_placement != NormPlacement::kPost; }
};

/// Reads a parsed config.json in the spelling of the Hub (rope_theta, rope_scaling, torch_dtype) or
/// of transformers 5 (rope_parameters, dtype). `where` names it in errors. Throws DataError: an
/// unknown model_type (the known ones are listed), a key missing or of the wrong type, a feature
/// that is not supported, sizes that do not fit together.
TransformerConfig transformer_config_from_json(const Json& config, const std::string& where);

/// config.json of a model folder, and generation_config.json where there is one.
TransformerConfig read_transformer_config(const std::filesystem::path& folder);

/// A model of these layers of another, in this order; one may be named twice. Throws ConfigError
/// for none and for a layer that is not there.
TransformerConfig select_layers(TransformerConfig config, const std::vector<int64_t>& layers);

/// How `layer` attends, outside training: no dropout.
AttentionOptions attention_options(const TransformerConfig& config, int64_t layer);

/// The source with what may have changed since written over it: layers, vocabulary, dtype. Throws
/// DataError where the family's config.json cannot say what the layers are.
Json transformer_config_to_json(const TransformerConfig& config, at::ScalarType dtype);

/// Number of weights, a tied head once. Takes no memory.
int64_t parameter_count(const TransformerConfig& config);

}  // namespace distill
