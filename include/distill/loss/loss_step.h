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
  const LogitObjective* objective = nullptr;
  double scale = 1.0;
  bool row_weights = true;  ///< the batch's row weights multiply its row losses
};

struct LossOptions {
  bool want_gradients = false;  ///< and dropout
  bool gradient_checkpointing = false;
  ChunkObserver observer = nullptr;  ///< sees the logits of all loss rows, a chunk at a time
};

class LossStep {
 public:
  /// Both must outlive this; the teacher may be null.
  LossStep(const Transformer& student, Teacher* teacher) : student_(student), teacher_(teacher) {}

  /// Tells the teacher what will be asked.
  void expect(std::span<const Batch> batches, const std::vector<LossTerm>& terms);

  /// The sum of each term over the batch, before its scale: fp64 scalars on the student's device.
  /// With gradients, those of sum_i scale_i * sum_i are added to the student's parameters. The
  /// teacher is asked for what the terms need and not at all where they need nothing.
  std::vector<at::Tensor> add(const Batch& batch, const std::vector<LossTerm>& terms,
                              const StepContext& context, const LossOptions& options = {});

  const Transformer& student() const { return student_; }
  Teacher* teacher() const { return teacher_; }

 private:
  const Transformer& student_;
  Teacher* teacher_;
  HeadBuffers buffers_;  // one pair, whoever measures
};

}  // namespace distill
