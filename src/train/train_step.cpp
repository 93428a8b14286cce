#include "distill/train/train_step.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "train/parameter_groups.h"

namespace distill {

std::vector<LossTerm> loss_terms(const std::vector<ObjectiveTerm>& objectives,
                                 const StepContext& context) {
  std::vector<LossTerm> terms;
  for (const ObjectiveTerm& objective : objectives) {
    terms.push_back({objective.value.get(), objective.value->weight(context)});
  }
  return terms;
}

TrainStep::TrainStep(Transformer& student, LossStep& loss,
                     const std::vector<ObjectiveTerm>& objectives, const AdamWOptions& optimizer,
                     const TrainStepOptions& options)
    : loss_(loss),
      objectives_(objectives),
      options_(options),
      parameters_(trainable_parameters(student, optimizer, options.freeze)),
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
  std::vector<LossTerm> terms = loss_terms(objectives_, context);
  for (LossTerm& term : terms) term.scale *= scale;
  const auto scalar = skip_.options().dtype(at::kDouble);
  report.terms.assign(terms.size(), {});
  for (at::Tensor& sum : report.terms) sum = at::zeros({}, scalar);
  parameters_.zero_gradients();
  loss_.expect(micro_batches, terms);
  for (const Batch& batch : micro_batches) {
    if (batch.loss_token_count() == 0) continue;
    const std::vector<at::Tensor> sums = loss_.add(
        batch, terms, context,
        {.want_gradients = true, .gradient_checkpointing = options_.gradient_checkpointing});
    for (size_t i = 0; i < sums.size(); ++i) report.terms[i].add_(sums[i]);
  }
  report.loss = at::zeros({}, scalar);
  for (size_t i = 0; i < terms.size(); ++i) {
    report.terms[i].mul_(scale);
    report.loss.add_(report.terms[i], objectives_[i].value->weight(context));
  }
  report.grad_norm = parameters_.gradient_norm();
  report.finite = at::isfinite(report.loss) & at::isfinite(report.grad_norm) & (skip_ == 0);
  skip_.copy_(report.finite.logical_not());
  optimizer_.step(learning_rate, options_.max_grad_norm, report.grad_norm, skip_);
  if (loss_.teacher() != nullptr) loss_.teacher()->follow(loss_.student());
  return report;
}

std::vector<std::pair<std::string, at::Tensor>> TrainStep::state() const {
  auto tensors = parameters_.state();
  tensors.emplace_back("optimizer.step", optimizer_.step_count());
  return tensors;
}

}  // namespace distill
