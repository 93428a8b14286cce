// The language-model head and a teacher's answers, as plain data.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace distill {

/// logits = softcap(scale * (rows @ weight^T + bias)), softcap(x) = cap * tanh(x / cap).
struct Head {
  at::Tensor weight;  // [V, D], any float dtype
  at::Tensor bias;    // [V] or undefined
  double logit_scale = 1.0;
  double logit_softcap = 0.0;  // 0: none

  int64_t vocabulary() const { return weight.size(0); }
  /// [R, D] -> [R, V] in the dtype of the weight.
  at::Tensor logits(const at::Tensor& rows) const;
};

/// A teacher's answers for the R loss rows of a batch. Nothing [R, V] is held: a chunk is computed
/// when it is asked for.
struct TeacherRows {
  int64_t rows = 0;
  int64_t vocabulary = 0;
  /// Untempered logits (or log-probabilities) of rows [begin, end): [end - begin, vocabulary], no
  /// gradient, on the student's device.
  std::function<at::Tensor(int64_t begin, int64_t end)> logits;

  bool defined() const { return static_cast<bool>(logits); }
};

}  // namespace distill
