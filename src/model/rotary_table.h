// Cosines and sines of rotary positions.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/model/transformer_config.h"

namespace distill {

struct RotaryTable {
  at::Tensor cosine, sine;  // [T, head_dim / 2]
};

/// `positions` int64 [T]; fp32 (`dtype` fp64: fp64) on its device. The frequencies are rounded as
/// transformers rounds them: at position 8000 one unit in the last place is 5e-4 radians.
RotaryTable rotary_table(const RotaryConfig& config, int64_t head_dim, const at::Tensor& positions,
                         at::ScalarType dtype);

}  // namespace distill
