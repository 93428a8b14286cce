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

inline Json tiny_gpt2_json() {
  return parse_json(R"({"model_type": "gpt2", "vocab_size": 61, "n_embd": 24, "n_layer": 2,
    "n_head": 4, "n_positions": 32, "initializer_range": 0.3, "eos_token_id": 2})",
                    "tiny gpt2");
}

inline Transformer make_model(const Json& json, at::ScalarType dtype = at::kFloat,
                              uint64_t seed = 1) {
  Transformer model(transformer_config_from_json(json, "tiny"), dtype, at::kCPU);
  initialise(model, seed);
  return model;
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
