#include "objective/jsd.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor Jsd::compare(const LogProbs& log_probs, const StepContext& context) const {
  const double beta = context.value(beta_);
  const at::Tensor mixture = mix(log_probs, beta);
  return beta * kl_to(log_probs.teacher, mixture) + (1 - beta) * kl_to(log_probs.student, mixture);
}

void Jsd::options(Section& section) {
  DivergenceObjective::options(section);
  section.field("beta", beta_,
                {.help = "The teacher's share of the mixture. Both ends of the range are no "
                         "divergence: for what others call beta 0 take forward_kl, for 1 "
                         "reverse_kl.",
                 .min = 0,
                 .max = 1});
  if (beta_.lowest() < 0.001) {
    section.problem("beta", beta_.constant()
                                ? "no divergence at 0: take forward_kl"
                                : "no divergence at 0: keep the schedule at 0.001 or above");
  }
  if (beta_.highest() > 0.999) {
    section.problem("beta", beta_.constant()
                                ? "no divergence at 1: take reverse_kl"
                                : "no divergence at 1: keep the schedule at 0.999 or below");
  }
}

}  // namespace distill
