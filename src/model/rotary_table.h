// Cosines and sines of rotary positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <utility>

#include "distill/model/transformer_config.h"

namespace distill {

struct RotaryTable {
  at::Tensor cosine, sine;  // [T, head_dim / 2]
};

/// `positions` int64 [T]; fp32 (`dtype` fp64: fp64) on its device. The frequencies are rounded as
/// transformers rounds them: at position 8000 one unit in the last place is 5e-4 radians.
RotaryTable rotary_table(const RotaryConfig& config, int64_t head_dim, const at::Tensor& positions,
                         at::ScalarType dtype);

/// The tables of one forward pass: one for each RotaryConfig and width of a head among the layers.
class RotaryTables {
 public:
  RotaryTables() = default;
  RotaryTables(const TransformerConfig& config, const at::Tensor& positions, at::ScalarType dtype);

  /// Null where the layer does not rotate.
  const RotaryTable* find(const LayerConfig& layer) const;

 private:
  std::map<std::pair<size_t, int64_t>, RotaryTable> tables_;
};

}  // namespace distill
