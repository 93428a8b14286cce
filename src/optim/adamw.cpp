#include "distill/optim/adamw.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace distill {

void AdamWOptions::fields(Section& section) {
  section.field("type", type, {.help = "The optimizer.", .choices = {"adamw"}});
  section.field("learning_rate", learning_rate,
                {.help = "Peak learning rate; lr_scheduler shapes it.", .min = 0});
  section.field("betas", betas, {.help = "Decay rates of the two moments.", .min = 0, .below = 1});
  section.field("eps", eps, {.help = "Added to the root of the second moment.", .above = 0});
  section.field("weight_decay", weight_decay,
                {.help = "Decoupled decay; not on norms and biases.", .min = 0});
  section.list(
      "groups", groups,
      {.help = "Parameters with a learning rate or weight decay of their own. Each belongs "
               "to the first group that matches its name; the others train as above."});
  if (section.parsing() && betas.size() != 2) {
    section.problem("betas", "expected two numbers, found " + std::to_string(betas.size()));
  }
}

AdamW::AdamW(const AdamWOptions& options, FlatParameters& parameters)
    : options_(options),
      parameters_(parameters),
      step_count_(at::zeros({}, parameters.groups()[0].master.options().dtype(at::kFloat))) {}

void AdamW::step(double learning_rate, double max_norm, const at::Tensor& norm,
                 const at::Tensor& skip) {
  const at::NoGradGuard no_grad;
  // The fused kernel divides gradients by grad_scale as it reads them: clipping costs no pass.
  const at::Tensor grad_scale = max_norm > 0
                                    ? ((norm + 1e-6) / max_norm).clamp_min(1.0).to(at::kFloat)
                                    : at::ones_like(step_count_);
  step_count_.add_(1.0 - skip);
  for (FlatGroup& group : parameters_.groups()) {
    at::_fused_adamw_({group.master}, {group.gradient}, {group.exp_avg}, {group.exp_avg_sq}, {},
                      {step_count_}, learning_rate * group.settings.lr_scale, options_.betas[0],
                      options_.betas[1], group.settings.weight_decay, options_.eps,
                      /*amsgrad=*/false, /*maximize=*/false, grad_scale, skip);
  }
  parameters_.update_compute_weights();
}

}  // namespace distill
