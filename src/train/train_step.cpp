#include "distill/train/train_step.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "distill/objective/head_step.h"

namespace distill {
namespace {

FlatParameters flatten(Transformer& student) {
  std::vector<ParameterRef> parameters;
  student.visit([&](const std::string& name, Parameter& parameter, bool decay) {
    parameters.push_back({name, &parameter.value, &parameter.gradient, decay});
  });
  return FlatParameters(std::move(parameters));
}

}  // namespace

TrainStep::TrainStep(Transformer& student, const LiveTeacher* teacher,
                     const std::vector<ObjectiveTerm>& objectives, const AdamWOptions& optimizer,
                     const TrainStepOptions& options)
    : student_(student),
      teacher_(teacher),
      objectives_(objectives),
      options_(options),
      parameters_(flatten(student)),
      optimizer_(optimizer, parameters_),
      skip_(at::zeros_like(optimizer_.step_count())) {}

StepReport TrainStep::run(const std::vector<Batch>& micro_batches, double learning_rate,
                          const StepContext& context) {
  StepReport report;
  report.learning_rate = learning_rate;
  for (const Batch& batch : micro_batches) {
    report.tokens += batch.token_count();
    report.loss_tokens += batch.loss_token_count();
    report.samples.insert(report.samples.end(), batch.samples.begin(), batch.samples.end());
  }
  const double scale = 1.0 / static_cast<double>(std::max<int64_t>(1, report.loss_tokens));
  for (size_t i = 0; i < objectives_.size(); ++i) {
    report.terms.push_back(at::zeros({}, skip_.options().dtype(at::kDouble)));
  }
  parameters_.zero_gradients();
  for (const Batch& batch : micro_batches) {
    add_gradients(batch.to(student_.device()), scale, context, report.terms);
  }
  report.loss = at::zeros({}, skip_.options().dtype(at::kDouble));
  for (size_t i = 0; i < objectives_.size(); ++i) {
    report.terms[i].mul_(scale);
    report.loss.add_(report.terms[i], objectives_[i].value->weight());
  }
  report.grad_norm = parameters_.gradient_norm();
  report.finite = at::isfinite(report.loss) & at::isfinite(report.grad_norm) & (skip_ == 0);
  skip_.copy_(report.finite.logical_not());
  optimizer_.step(learning_rate, options_.max_grad_norm, report.grad_norm, skip_);
  return report;
}

void TrainStep::add_gradients(const Batch& batch, double scale, const StepContext& context,
                              std::vector<at::Tensor>& sums) {
  if (batch.loss_token_count() == 0) return;
  // The teacher first: its inner values are gone before the student's are kept.
  const TeacherRows teacher = teacher_ != nullptr ? teacher_->answer(batch) : TeacherRows{};
  ForwardOptions forward;
  forward.training = true;
  forward.gradient_checkpointing = options_.gradient_checkpointing;
  const Trace trace = student_.forward(batch, forward);
  const at::Tensor hidden = trace.hidden.index_select(0, batch.loss_rows);

  std::vector<HeadTerm> terms;
  for (const ObjectiveTerm& objective : objectives_) {
    terms.push_back({objective.value.get(), objective.value->weight() * scale});
  }
  HeadRows rows;
  rows.hidden = hidden;
  rows.targets = batch.targets.index_select(0, batch.loss_rows);
  rows.weights = batch.weights;
  rows.keys = batch.keys;
  HeadGradients gradients;
  gradients.weight = student_.head_weight().gradient;
  gradients.bias = student_.modules().head.bias.gradient;
  const HeadResult result =
      head_step(rows, student_.head(), gradients, teacher, terms, context, {.buffers = &buffers_});
  for (size_t i = 0; i < sums.size(); ++i) sums[i].add_(result.sums[i]);
  torch::autograd::backward({hidden}, {result.d_hidden});
}

}  // namespace distill
