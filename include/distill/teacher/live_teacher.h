// A teacher that is a model in memory: frozen, without gradients, on a device and in a dtype of its
// own.
#pragma once

#include "distill/model/transformer.h"
#include "distill/teacher/teacher.h"

namespace distill {

class LiveTeacher final : public Teacher {
 public:
  explicit LiveTeacher(Transformer model) : model_(std::move(model)) {}

  const Transformer& model() const { return model_; }

  Offers offers() const override { return offers(model_.config()); }
  /// What a model of this configuration would offer: all logits and every tap.
  static Offers offers(const TransformerConfig& config);

  /// Runs the model over the batch and keeps the hidden rows of the loss rows; logits are computed
  /// when a chunk of them is asked for, on the device of the batch.
  TeacherAnswer answer(const Batch& batch, const Needs& needs) override;

 private:
  TeacherRows rows(const Batch& own, const at::Tensor& hidden, at::Device device) const;

  Transformer model_;
};

}  // namespace distill
