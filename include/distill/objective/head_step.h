// From hidden rows to losses and gradients through the language-model head, a chunk of rows at a
// time. A plain call, not an autograd node: no [R, V] tensor is ever whole.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "distill/flow/head.h"
#include "distill/objective/logit_objective.h"

namespace distill {

/// An objective with the factor that its sum enters the loss with: weight / count of its unit.
struct HeadTerm {
  const LogitObjective* objective = nullptr;
  double scale = 1.0;
};

/// Where the head's own gradients are added. Undefined: frozen.
struct HeadGradients {
  at::Tensor weight;  // [V, D], fp32 or the head's dtype
  at::Tensor bias;    // [V]
};

struct HeadRows {
  at::Tensor hidden;   // [R, D]
  at::Tensor targets;  // int64 [R]
  at::Tensor weights;  // fp32 [R] or undefined
};

struct HeadResult {
  std::vector<at::Tensor> sums;  // a scalar a term, before its scale; fp32 (fp64 for fp64)
  at::Tensor d_hidden;           // [R, D] in the dtype of hidden; undefined without gradients
};

/// Whether one call of the fused kernel computes all terms: on a CPU, at most one cross-entropy at
/// T = 1 and one divergence, no soft-cap on the logits. All else goes through autograd.
bool runs_fused(const std::vector<HeadTerm>& terms, double logit_softcap, at::Device device);

/// Losses of all terms over the rows and, with `want_gradients`, the gradient of
/// sum_i scale_i * sum_i with respect to the hidden rows (returned) and to the head (added).
/// The teacher may be undefined where no term needs it. No host synchronisation.
HeadResult head_step(const HeadRows& rows, const Head& head, const HeadGradients& gradients,
                     const TeacherRows& teacher, const std::vector<HeadTerm>& terms,
                     const StepContext& context, int64_t chunk_rows, bool want_gradients);

/// Rows a chunk. CUDA: 4096. CPU: 512 with the fused kernel, which needs two buffers [rows, V]; 128
/// with autograd, whose temporaries are many. Fewer would re-read the weight's gradient too often.
int64_t default_chunk_rows(at::Device device, bool fused);

}  // namespace distill
