#include "model/rotary_table.h"

#include <ATen/ATen.h>

#include <numbers>

namespace distill {
namespace {

/// Llama 3.1: wavelengths beyond original / low_freq_factor are stretched by `factor`, those below
/// original / high_freq_factor kept, and between them the frequency is interpolated.
at::Tensor scale_llama3(const at::Tensor& frequency, const RotaryConfig& config) {
  const auto original = static_cast<double>(config.original_max_positions);
  const at::Tensor wavelength = 2.0 * std::numbers::pi / frequency;
  const at::Tensor ramp = (original / wavelength - config.low_freq_factor) /
                          (config.high_freq_factor - config.low_freq_factor);
  const at::Tensor stretched = frequency / config.factor;
  const at::Tensor between = (1 - ramp) * stretched + ramp * frequency;
  const at::Tensor kept_or_between =
      at::where(wavelength < original / config.high_freq_factor, frequency, between);
  return at::where(wavelength > original / config.low_freq_factor, stretched, kept_or_between);
}

}  // namespace

RotaryTable rotary_table(const RotaryConfig& config, int64_t head_dim, const at::Tensor& positions,
                         at::ScalarType dtype) {
  const at::ScalarType compute = dtype == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor exponents = at::arange(0, head_dim, 2, at::TensorOptions().dtype(compute)) /
                               static_cast<double>(head_dim);
  at::Tensor frequency = 1.0 / at::pow(at::Scalar(config.theta), exponents);
  if (config.scaling == RotaryScaling::kLinear) frequency = frequency / config.factor;
  if (config.scaling == RotaryScaling::kLlama3) frequency = scale_llama3(frequency, config);
  const at::Tensor angles =
      positions.to(compute).unsqueeze(1) * frequency.to(positions.device()).unsqueeze(0);
  return {angles.cos(), angles.sin()};
}

RotaryTables::RotaryTables(const TransformerConfig& config, const at::Tensor& positions,
                           at::ScalarType dtype) {
  for (const LayerConfig& layer : config.layers) {
    if (!layer.rotary) continue;
    RotaryTable& table = tables_[{*layer.rotary, layer.head_dim}];
    if (table.cosine.defined()) continue;
    table = rotary_table(config.rotaries.at(*layer.rotary), layer.head_dim, positions, dtype);
  }
}

const RotaryTable* RotaryTables::find(const LayerConfig& layer) const {
  return layer.rotary ? &tables_.at({*layer.rotary, layer.head_dim}) : nullptr;
}

}  // namespace distill
