// The parts of a transformer: plain structs of parameters, walked by one visitor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace distill {

struct Parameter {
  at::Tensor value;     ///< a leaf; undefined where the model has no such weight
  at::Tensor gradient;  ///< accumulator of the embedding and the head (fp32), or undefined
};

struct Linear {
  Parameter weight;  // [out, in]
  Parameter bias;    // [out]
};

struct Norm {
  Parameter weight;
  Parameter bias;
};

struct AttentionModule {
  Linear query, key, value, output;
  Norm query_norm, key_norm;  // [head_dim]
};

struct MlpModule {
  Linear gate, up, down;  // no gate in a plain MLP
};

struct Block {
  Norm attention_norm, attention_output_norm;
  AttentionModule attention;
  Norm mlp_norm, mlp_output_norm;
  MlpModule mlp;
};

struct TransformerModules {
  Parameter token_embedding;     // [V, D]
  Parameter position_embedding;  // [P, D]
  Norm embedding_norm;
  std::vector<Block> blocks;
  Norm final_norm;
  Linear head;  // [V, D]; no weight where it is tied to the embedding
};

/// What a weight is for; a family has a name for each.
enum class WeightRole {
  kTokenEmbedding,
  kPositionEmbedding,
  kEmbeddingNorm,
  kAttentionNorm,
  kQuery,
  kKey,
  kValue,
  kQueryNorm,
  kKeyNorm,
  kAttentionOutput,
  kAttentionOutputNorm,
  kMlpNorm,
  kGate,
  kUp,
  kDown,
  kMlpOutputNorm,
  kFinalNorm,
  kHead,
};

/// Calls fn(role, layer, "weight" or "bias", parameter) for every slot of a block, the empty ones
/// too.
template <typename BlockType, typename Function>
void walk_block(BlockType& block, int64_t layer, const Function& fn) {
  const auto both = [&](WeightRole role, auto& module) {
    fn(role, layer, std::string_view("weight"), module.weight);
    fn(role, layer, std::string_view("bias"), module.bias);
  };
  both(WeightRole::kAttentionNorm, block.attention_norm);
  both(WeightRole::kQuery, block.attention.query);
  both(WeightRole::kKey, block.attention.key);
  both(WeightRole::kValue, block.attention.value);
  both(WeightRole::kQueryNorm, block.attention.query_norm);
  both(WeightRole::kKeyNorm, block.attention.key_norm);
  both(WeightRole::kAttentionOutput, block.attention.output);
  both(WeightRole::kAttentionOutputNorm, block.attention_output_norm);
  both(WeightRole::kMlpNorm, block.mlp_norm);
  both(WeightRole::kGate, block.mlp.gate);
  both(WeightRole::kUp, block.mlp.up);
  both(WeightRole::kDown, block.mlp.down);
  both(WeightRole::kMlpOutputNorm, block.mlp_output_norm);
}

/// The same for a whole model, in the order of the forward pass; the layer is -1 outside the
/// blocks.
template <typename Modules, typename Function>
void walk(Modules& modules, const Function& fn) {
  const auto both = [&](WeightRole role, auto& module) {
    fn(role, int64_t{-1}, std::string_view("weight"), module.weight);
    fn(role, int64_t{-1}, std::string_view("bias"), module.bias);
  };
  fn(WeightRole::kTokenEmbedding, int64_t{-1}, std::string_view("weight"), modules.token_embedding);
  fn(WeightRole::kPositionEmbedding, int64_t{-1}, std::string_view("weight"),
     modules.position_embedding);
  both(WeightRole::kEmbeddingNorm, modules.embedding_norm);
  int64_t layer = 0;
  for (auto& block : modules.blocks) walk_block(block, layer++, fn);
  both(WeightRole::kFinalNorm, modules.final_norm);
  both(WeightRole::kHead, modules.head);
}

}  // namespace distill
