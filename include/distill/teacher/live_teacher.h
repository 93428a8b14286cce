// A teacher that is a model in memory: frozen, without gradients, on a device and in a dtype of its
// own.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/flow/batch.h"
#include "distill/flow/head.h"
#include "distill/model/transformer.h"

namespace distill {

class LiveTeacher {
 public:
  explicit LiveTeacher(Transformer model) : model_(std::move(model)) {}

  const Transformer& model() const { return model_; }

  /// Runs the model over the batch and keeps the hidden rows of the loss rows; logits are computed
  /// when a chunk of them is asked for, on the device of the batch. The result refers to this
  /// teacher.
  TeacherRows answer(const Batch& batch) const;

 private:
  Transformer model_;
};

}  // namespace distill
