// One loss step, for training and for evaluation alike: the teacher's answer to a batch, the
// student's forward pass, the terms' sums and, where wanted, their gradients.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/model/transformer.h"
#include "distill/objective/head_step.h"
#include "distill/teacher/teacher.h"

namespace distill {

/// An objective with the factor that its sum enters the loss with: its weight over the count of its
/// unit.
struct LossTerm {
  const Objective* objective = nullptr;
  double scale = 1.0;
  bool row_weights = true;  ///< the batch's row weights multiply its row losses
  const std::vector<Parameter>* parameters = nullptr;  ///< the objective's own; null: none
  at::Tensor weights = {};  ///< fp32 [R] of its own in place of the batch's, such as advantages
};

struct LossOptions {
  bool want_gradients = false;  ///< and dropout
  bool want_row_losses = false;
  bool gradient_checkpointing = false;
  ChunkObserver observer = nullptr;  ///< sees the logits of all loss rows, a chunk at a time
};

/// An entry a term.
struct LossResult {
  std::vector<at::Tensor> sums;  // over the batch, before the term's scale: fp64 [] on the device
  /// Where they are asked for: fp32 (fp64) [R], before scale and row weights (0 where the row
  /// weight is 0); undefined for a loss that is not one of rows of logits.
  std::vector<at::Tensor> row_losses;
};

class LossStep {
 public:
  /// Both must outlive this; the teacher may be null.
  LossStep(const Transformer& student, Teacher* teacher);

  /// Tells the teacher what will be asked.
  void expect(std::span<const Batch> batches, const std::vector<LossTerm>& terms);

  /// The sums of all terms over the batch. With gradients, those of sum_i scale_i * sum_i are added
  /// to the student's parameters and to the objectives' own. The teacher is asked for what the
  /// terms need and not at all where they need nothing; neither is a model where the batch has no
  /// unit of any term.
  LossResult add(const Batch& batch, const std::vector<LossTerm>& terms, const StepContext& context,
                 const LossOptions& options = {});

  const Transformer& student() const { return student_; }
  Teacher* teacher() const { return teacher_; }
  const ModelTaps& models() const { return models_; }

 private:
  Needs needs_of(const std::vector<LossTerm>& terms) const;

  const Transformer& student_;
  Teacher* teacher_;
  ModelTaps models_;
  HeadBuffers buffers_;  // one pair, whoever measures
};

}  // namespace distill
