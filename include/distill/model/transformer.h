// One transformer for every family: it runs what its TransformerConfig says.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <set>
#include <string>

#include "distill/flow/batch.h"
#include "distill/flow/head.h"
#include "distill/flow/trace.h"
#include "distill/model/modules.h"
#include "distill/model/transformer_config.h"

namespace distill {

class SequenceCache;

/// Every tap that a model of this configuration has.
TapShapes tap_shapes(const TransformerConfig& config);

struct ForwardOptions {
  std::set<Tap> taps;                   ///< queries, keys and values are the batch's own
  bool training = false;                ///< dropout is on
  bool gradient_checkpointing = false;  ///< a block's inner values are computed again in backward
  SequenceCache* cache = nullptr;       ///< document n continues the cache's sequence n
};

/// Weights are leaves without requires_grad: who trains them sets it. The residual stream is in the
/// dtype of the weights; norms, softmax and rotation are in fp32 (fp64 for fp64). Moves, does not
/// copy; a model must stay where it is between a forward pass and its backward.
class Transformer {
 public:
  /// Weights are not initialised. at::kMeta gives shapes without memory.
  Transformer(TransformerConfig config, at::ScalarType dtype, at::Device device);
  Transformer(Transformer&&) = default;
  Transformer& operator=(Transformer&&) = default;

  /// Throws DataError for token ids outside the vocabulary (looked at on the CPU only: a look on a
  /// GPU would wait for it) and for a document longer than learned positions reach, Error for taps
  /// that are not among its tap_shapes.
  Trace forward(const Batch& batch, const ForwardOptions& options = {}) const;

  /// The language-model head; where it is tied its weight is the embedding's.
  Head head() const;
  /// The parameter behind head().weight.
  const Parameter& head_parameter() const;

  /// Every weight once, in the order of the forward pass. The name is the checkpoint's (a part of a
  /// fused tensor: with "#part"); decay is false for tensors of fewer than two dimensions.
  using Visitor = std::function<void(const std::string& name, Parameter& parameter, bool decay)>;
  using ConstVisitor =
      std::function<void(const std::string& name, const Parameter& parameter, bool decay)>;
  void visit(const Visitor& visitor);
  void visit(const ConstVisitor& visitor) const;

  const TransformerConfig& config() const { return config_; }
  TransformerModules& modules() { return modules_; }
  const TransformerModules& modules() const { return modules_; }
  at::ScalarType dtype() const { return modules_.token_embedding.value.scalar_type(); }
  at::Device device() const { return modules_.token_embedding.value.device(); }

 private:
  at::Tensor embed(const Batch& batch, bool training) const;  // [T, D]

  TransformerConfig config_;
  TransformerModules modules_;
};

}  // namespace distill
