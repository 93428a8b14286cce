// Attention over documents laid end to end: training, cached decoding and encoders are one call.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace distill {

/// Boundaries of N sequences in a flat tensor: sequence n is [bounds[n], bounds[n + 1]).
struct Segments {
  at::Tensor cu_seqlens;  // int32 [N + 1], on the device of the tensors
  std::vector<int32_t> bounds;
  int32_t max_length = 0;

  /// Made on the CPU, cu_seqlens moved to `device`.
  static Segments from_lengths(const std::vector<int32_t>& lengths, at::Device device);
  int64_t count() const { return bounds.empty() ? 0 : static_cast<int64_t>(bounds.size()) - 1; }
};

struct AttentionOptions {
  double scale = 1.0;    ///< multiplies q k^T
  bool causal = true;    ///< aligned at the end of the keys: query i of m sees keys up to n - m + i
  int64_t window = 0;    ///< > 0: query at position p sees keys in (p - window, p]; needs causal
  double softcap = 0.0;  ///< > 0: scores become softcap * tanh(scores / softcap)
  double dropout = 0.0;  ///< of the probabilities; torch's default generator
};

/// q [Tq, H, d], k and v [Tk, Hkv, d] with H a multiple of Hkv -> [Tq, H, d]. Sequence n of the
/// queries sees sequence n of the keys and nothing else. Differentiable. Throws c10::Error on
/// shapes or segments that do not fit, or where a sequence has too few keys: none, or, causal,
/// fewer than queries.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const Segments& query_segments, const Segments& key_segments,
                     const AttentionOptions& options);

}  // namespace distill
