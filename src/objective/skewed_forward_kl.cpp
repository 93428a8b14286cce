#include "objective/skewed_forward_kl.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor SkewedForwardKl::compare(const LogProbs& log_probs, const StepContext& context) const {
  return kl_to(log_probs.teacher, mix(log_probs, context.value(lambda_)));
}

void SkewedForwardKl::options(Section& section) {
  DivergenceObjective::options(section);
  section.field("lambda", lambda_,
                {.help = "The teacher's share of the mixture; at 0 this is forward_kl.",
                 .min = 0,
                 .max = 0.999});
  if (lambda_.lowest() < 0.001) {
    section.problem("lambda", lambda_.constant()
                                  ? "this is forward_kl: take that"
                                  : "at 0 this is forward_kl: keep the schedule at 0.001 or above");
  }
}

}  // namespace distill
