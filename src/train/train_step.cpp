#include "distill/train/train_step.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "train/parameter_groups.h"

namespace distill {

TrainStep::TrainStep(Transformer& student, LossStep& loss,
                     const std::vector<ObjectiveTerm>& objectives, const AdamWOptions& optimizer,
                     const TrainStepOptions& options)
    : loss_(loss),
      objectives_(objectives),
      options_(options),
      own_(objectives, loss.models(),
           at::TensorOptions().dtype(student.dtype()).device(student.device()), options.seed),
      parameters_(trainable_parameters(student, own_, optimizer, options.freeze)),
      optimizer_(optimizer, parameters_),
      skip_(at::zeros_like(optimizer_.step_count())) {}

StepReport TrainStep::run(const std::vector<Batch>& micro_batches, double learning_rate,
                          const StepContext& context) {
  StepReport report;
  report.learning_rate = learning_rate;
  UnitCounts units;
  for (const Batch& batch : micro_batches) {
    units += UnitCounts::of(batch);
    report.samples.insert(report.samples.end(), batch.samples.begin(), batch.samples.end());
  }
  report.tokens = units.tokens;
  report.loss_tokens = units.loss_tokens;
  std::vector<LossTerm> terms = this->terms(context);
  std::vector<double> shares;  // of one unit in the step's mean
  for (LossTerm& term : terms) {
    const int64_t count = std::max<int64_t>(1, units[term.objective->unit()]);
    shares.push_back(1.0 / static_cast<double>(count));
    term.scale *= shares.back();
  }
  const auto scalar = skip_.options().dtype(at::kDouble);
  report.terms.assign(terms.size(), {});
  for (at::Tensor& sum : report.terms) sum = at::zeros({}, scalar);
  parameters_.zero_gradients();
  loss_.expect(micro_batches, terms);
  for (const Batch& batch : micro_batches) {
    const LossResult result = loss_.add(
        batch, terms, context,
        {.want_gradients = true, .gradient_checkpointing = options_.gradient_checkpointing});
    for (size_t i = 0; i < terms.size(); ++i) report.terms[i].add_(result.sums[i]);
  }
  report.loss = at::zeros({}, scalar);
  for (size_t i = 0; i < terms.size(); ++i) {
    report.terms[i].mul_(shares[i]);
    report.loss.add_(report.terms[i], objectives_[i].value->weight(context));
  }
  report.grad_norm = parameters_.gradient_norm();
  report.finite = at::isfinite(report.loss) & at::isfinite(report.grad_norm) & (skip_ == 0);
  skip_.copy_(report.finite.logical_not());
  optimizer_.step(learning_rate, options_.max_grad_norm, report.grad_norm, skip_);
  if (loss_.teacher() != nullptr) loss_.teacher()->follow(loss_.student());
  return report;
}

std::vector<LossTerm> TrainStep::terms(const StepContext& context) const {
  return loss_terms(objectives_, own_, context);
}

std::vector<std::pair<std::string, at::Tensor>> TrainStep::state() const {
  auto tensors = parameters_.state();
  tensors.emplace_back("optimizer.step", optimizer_.step_count());
  return tensors;
}

}  // namespace distill
