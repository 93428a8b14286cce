// One block: attention and feed-forward, each with its norms and its residual.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/model/kv_cache.h"
#include "distill/model/modules.h"
#include "distill/model/transformer_config.h"
#include "model/rotary_table.h"

namespace distill {

/// What the blocks of one forward pass share.
struct BlockContext {
  const TransformerConfig* config;
  RotaryTable rotary;  // undefined tensors without rotary positions
  Segments segments;
  bool training = false;
  KvCache* cache = nullptr;
};

struct BlockOutput {
  at::Tensor hidden;     // [T, D]
  at::Tensor attention;  // fp32 [H, T, T] where asked for
};

at::Tensor apply_norm(const TransformerConfig& config, const Norm& norm, const at::Tensor& x);

/// x [T, D] -> the block's output; with the attention probabilities if `tap_attention`.
BlockOutput run_block(const Block& block, int64_t layer, const BlockContext& context,
                      const at::Tensor& x, bool tap_attention);

/// The same, but only x is kept for backward, which runs the block again with the random numbers of
/// the first time (Chen et al. 2016). Same bits in values and gradients.
BlockOutput run_block_checkpointed(const Block& block, int64_t layer, const BlockContext& context,
                                   const at::Tensor& x, bool tap_attention);

}  // namespace distill
