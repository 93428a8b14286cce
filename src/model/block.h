// One block: attention and feed-forward, each with its norms and its residual.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <set>

#include "distill/flow/trace.h"
#include "distill/model/modules.h"
#include "distill/model/sequence_cache.h"
#include "distill/model/transformer_config.h"
#include "model/rotary_table.h"

namespace distill {

/// What the blocks of one forward pass share.
struct BlockContext {
  const TransformerConfig* config;
  RotaryTables rotary;
  Segments segments;
  bool training = false;
  SequenceCache* cache = nullptr;

  const LayerConfig& layer(int64_t n) const { return config->layers[static_cast<size_t>(n)]; }
};

struct BlockOutput {
  at::Tensor hidden;  // [T, D]
  std::map<Tap::Kind, at::Tensor> taps;
};

at::Tensor apply_norm(const TransformerConfig& config, const Norm& norm, const at::Tensor& x);

/// x [T, D] -> the block's output, and the inner values that `taps` names (never kHidden).
BlockOutput run_block(const Block& block, int64_t layer, const BlockContext& context,
                      const at::Tensor& x, const std::set<Tap::Kind>& taps);

/// The same, but only x is kept for backward, which runs the block again with the random numbers of
/// the first time (Chen et al. 2016). Same bits in values and gradients, those of the taps too.
BlockOutput run_block_checkpointed(const Block& block, int64_t layer, const BlockContext& context,
                                   const at::Tensor& x, const std::set<Tap::Kind>& taps);

}  // namespace distill
