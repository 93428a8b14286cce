#include "distill/loss/loss_step.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

namespace distill {
namespace {

Needs needs_of(const std::vector<LossTerm>& terms) {
  Needs needs;
  for (const LossTerm& term : terms) needs.merge(term.objective->needs());
  return needs;
}

std::vector<HeadTerm> head_terms(const std::vector<LossTerm>& terms, const Batch& batch) {
  std::vector<HeadTerm> all;
  for (const LossTerm& term : terms) {
    all.push_back({term.objective, term.scale, term.row_weights ? batch.weights : at::Tensor()});
  }
  return all;
}

HeadGradients head_gradients(const Transformer& student) {
  return {student.head_parameter().gradient, student.modules().head.bias.gradient};
}

}  // namespace

void LossStep::expect(std::span<const Batch> batches, const std::vector<LossTerm>& terms) {
  const Needs needs = needs_of(terms);
  if (teacher_ == nullptr || !needs.teacher()) return;
  for (const Batch& batch : batches) teacher_->expect(batch, needs);
}

std::vector<at::Tensor> LossStep::add(const Batch& given, const std::vector<LossTerm>& terms,
                                      const StepContext& context, const LossOptions& options) {
  const Batch batch = given.to(student_.device());
  const at::AutoGradMode mode(options.want_gradients);
  const Needs needs = needs_of(terms);
  // The teacher first: its inner values are gone before the student's are kept.
  TeacherAnswer answer;
  if (teacher_ != nullptr && needs.teacher()) answer = teacher_->answer(batch, needs);
  ForwardOptions forward;
  forward.training = options.want_gradients;
  forward.gradient_checkpointing = options.gradient_checkpointing;
  const Trace trace = student_.forward(batch, forward);

  HeadRows rows;
  rows.hidden = trace.hidden.index_select(0, batch.loss_rows);
  rows.targets = batch.targets.index_select(0, batch.loss_rows);
  rows.keys = batch.keys;
  HeadStepOptions head;
  head.want_gradients = options.want_gradients;
  head.observer = options.observer;
  head.buffers = &buffers_;
  HeadResult result = head_step(rows, student_.head(),
                                options.want_gradients ? head_gradients(student_) : HeadGradients{},
                                answer.rows, head_terms(terms, batch), context, head);
  // Where only the head trains, nothing below it asks for a gradient.
  if (rows.hidden.requires_grad()) torch::autograd::backward({rows.hidden}, {result.d_hidden});
  return std::move(result.sums);
}

}  // namespace distill
