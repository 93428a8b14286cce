// From hidden rows to losses and gradients through the language-model head, a chunk of rows at a
// time. A plain call, not an autograd node: no [R, V] tensor is ever whole.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "distill/flow/head.h"
#include "distill/objective/head_buffers.h"
#include "distill/objective/logit_objective.h"

namespace distill {

/// An objective with the factor that its sum enters the loss with: weight / count of its unit.
struct HeadTerm {
  const LogitObjective* objective = nullptr;
  double scale = 1.0;
  at::Tensor weights = {};  ///< fp32 [R] or undefined: factors of this term's row losses
};

/// Where the head's own gradients are added. Undefined: frozen.
struct HeadGradients {
  at::Tensor weight;  // [V, D], fp32 or the head's dtype
  at::Tensor bias;    // [V]
};

struct HeadRows {
  at::Tensor hidden;   // [R, D]
  at::Tensor targets;  // int64 [R]
  at::Tensor keys;     // int64 [R] or undefined: see Batch::keys
};

struct HeadResult {
  std::vector<at::Tensor> sums;  // a scalar a term, before its scale; fp64
  at::Tensor d_hidden;           // [R, D] in the dtype of hidden; undefined where it is not wanted
  /// Where they are asked for: fp32 (fp64) [R] a term, before its scale and row weights, 0 where
  /// its row weight is 0.
  std::vector<at::Tensor> row_losses;
};

/// Whether one call of the fused kernel computes all terms and their gradients at every step: at
/// most one cross-entropy, at T = 1 throughout, and one divergence, of the same row weights. All
/// else goes through autograd. `dtype`: of the logits; the wider one where the models' differ.
bool runs_fused(const std::vector<HeadTerm>& terms, at::Device device, at::ScalarType dtype);

/// Looks at a chunk of logits before the losses are computed, while they are whole.
using ChunkObserver = std::function<void(const LogitRows& chunk)>;

struct HeadStepOptions {
  bool want_gradients = true;
  bool want_d_hidden = true;  ///< with gradients; false where nothing below the head trains
  bool want_row_losses = false;
  int64_t chunk_rows = 0;  ///< 0: what chunk_rows() says
  ChunkObserver observer = nullptr;
  HeadBuffers* buffers = nullptr;  ///< null: of this call
};

/// Losses of all terms over the rows and, with `want_gradients`, the gradient of
/// sum_i scale_i * sum_i with respect to the hidden rows (returned, if wanted) and to the head
/// (added; a bf16 head's products are added in fp32 where the gradient is fp32). The teacher may be
/// undefined where no term needs it. Memory: two buffers of logits [chunk_rows, V], which all
/// chunks share (three where the student's head has a soft-cap; a copy of a chunk where the models
/// differ in dtype), and d_hidden; with autograd, its temporaries. No host synchronisation.
HeadResult head_step(const HeadRows& rows, const Head& head, const HeadGradients& gradients,
                     const TeacherRows& teacher, const std::vector<HeadTerm>& terms,
                     const StepContext& context, const HeadStepOptions& options = {});

/// Rows a chunk: what fits a budget of memory for the logits of both models (with autograd: and its
/// temporaries), at most 4096 on CUDA and 512 on a CPU, where more is not faster. `row_bytes`: the
/// bytes of a row of logits of both models.
int64_t chunk_rows(at::Device device, int64_t row_bytes, bool fused);

}  // namespace distill
