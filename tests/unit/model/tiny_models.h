// Small models with random weights, one of each kind.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "distill/core/random.h"
#include "distill/model/loading.h"

namespace distill::tests {

inline Json tiny_llama_json() {
  return parse_json(R"({"model_type": "llama", "vocab_size": 61, "hidden_size": 24,
    "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.3,
    "eos_token_id": 2, "attention_dropout": 0.2, "torch_dtype": "float32"})",
                    "tiny llama");
}

/// Without dropout: the same numbers in training and in evaluation.
inline Json tiny_student_json() {
  Json json = tiny_llama_json();
  json["attention_dropout"] = 0.0;
  return json;
}

/// A teacher of that student, wider and deeper.
inline Json tiny_teacher_json() {
  Json json = tiny_llama_json();
  json["hidden_size"] = 32;
  json["num_hidden_layers"] = 4;
  return json;
}

inline Json tiny_gpt2_json() {
  return parse_json(R"({"model_type": "gpt2", "vocab_size": 61, "n_embd": 24, "n_layer": 2,
    "n_head": 4, "n_positions": 32, "initializer_range": 0.3, "eos_token_id": 2})",
                    "tiny gpt2");
}

inline Json tiny_mistral_json() {
  Json json = tiny_llama_json();
  json["model_type"] = "mistral";
  json["sliding_window"] = 5;
  return json;
}

/// A window in the last two layers of four.
inline Json tiny_qwen2_json() {
  Json json = tiny_llama_json();
  json["model_type"] = "qwen2";
  json["num_hidden_layers"] = 4;
  json["use_sliding_window"] = true;
  json["sliding_window"] = 6;
  json["max_window_layers"] = 2;
  return json;
}

inline Json tiny_qwen3_json() {
  Json json = tiny_llama_json();
  json["model_type"] = "qwen3";
  json["head_dim"] = 8;
  json["layer_types"] = {"sliding_attention", "full_attention", "sliding_attention"};
  json["use_sliding_window"] = true;
  json["sliding_window"] = 4;
  return json;
}

/// One of every family.
inline std::vector<Json> tiny_families() {
  return {tiny_gpt2_json(), tiny_llama_json(), tiny_mistral_json(), tiny_qwen2_json(),
          tiny_qwen3_json()};
}

/// A llama whose layers are all different: window, rotary table or none, widths and numbers of
/// heads, kind and width of the MLP. No config.json says such a thing.
inline TransformerConfig mixed_config() {
  TransformerConfig config = transformer_config_from_json(tiny_llama_json(), "tiny");
  RotaryConfig linear;
  linear.theta = 1e6;
  linear.scaling = RotaryScaling::kLinear;
  linear.factor = 4.0;
  config.rotaries.push_back(linear);
  config.layers = {
      {.num_heads = 4, .num_kv_heads = 2, .head_dim = 6, .rotary = 0, .intermediate_size = 40},
      {.num_heads = 2,
       .num_kv_heads = 1,
       .head_dim = 8,
       .window = 5,
       .rotary = 1,
       .intermediate_size = 24},
      {.num_heads = 3,
       .num_kv_heads = 3,
       .head_dim = 4,
       .gated_mlp = false,
       .intermediate_size = 32},
      {.num_heads = 4,
       .num_kv_heads = 4,
       .head_dim = 6,
       .window = 3,
       .rotary = 1,
       .attention_scale = 0.7,
       .intermediate_size = 8},
      {.num_heads = 6,
       .num_kv_heads = 2,
       .head_dim = 6,
       .rotary = 0,
       .gated_mlp = false,
       .intermediate_size = 40},
  };
  return config;
}

inline Transformer make_model(TransformerConfig config, at::ScalarType dtype = at::kFloat,
                              uint64_t seed = 1) {
  Transformer model(std::move(config), dtype, at::kCPU);
  initialise(model, seed);
  return model;
}

inline Transformer make_model(const Json& json, at::ScalarType dtype = at::kFloat,
                              uint64_t seed = 1) {
  return make_model(transformer_config_from_json(json, "tiny"), dtype, seed);
}

inline Document random_document(int64_t length, uint64_t seed, int64_t vocabulary = 61) {
  Random random(seed);
  Document document;
  for (int64_t i = 0; i < length; ++i) {
    document.tokens.push_back(
        static_cast<int64_t>(random.below(static_cast<uint64_t>(vocabulary))));
  }
  document.is_target.assign(document.tokens.size(), true);
  return document;
}

}  // namespace distill::tests
