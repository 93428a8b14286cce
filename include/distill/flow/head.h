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
  /// The same into `out`: rows, weight and out of one dtype and device; no memory beside out.
  void logits_into(const at::Tensor& rows, const at::Tensor& out) const;
};

/// What a teacher says of n rows where it does not say all: K tokens a row with their untempered
/// log-probabilities; the most likely ones, best first, or a weighted sample.
struct SparseRows {
  at::Tensor ids;          // int64 [n, K], inside both vocabularies; the best are distinct in a row
  at::Tensor log_probs;    // fp32 (fp64) [n, K]
  int64_t vocabulary = 0;  // columns that the probabilities are over; 0: as many as the student's
  /// fp32 (fp64) [n, K] of a sample: sum_k w_k f(id_k) has the mean sum_v q_v f(v). Undefined:
  /// best.
  at::Tensor weights = {};

  bool defined() const { return ids.defined(); }
};

/// A teacher's answers for the R loss rows of a batch: logits, or K tokens a row. Nothing [R, V] is
/// held: a chunk is computed when it is asked for.
struct TeacherRows {
  int64_t rows = 0;
  int64_t vocabulary = 0;
  at::ScalarType dtype = at::kFloat;  // of the logits
  /// Writes the untempered logits (or log-probabilities) of rows [begin, end) into `out`, which is
  /// [end - begin, vocabulary] of `dtype` on the student's device. No gradient.
  std::function<void(int64_t begin, int64_t end, at::Tensor out)> logits;
  /// The K tokens of rows [begin, end), on the student's device; asked where there are no logits.
  std::function<SparseRows(int64_t begin, int64_t end)> sparse;

  bool defined() const { return logits || sparse; }
};

}  // namespace distill
