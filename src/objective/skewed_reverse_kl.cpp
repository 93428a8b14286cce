#include "objective/skewed_reverse_kl.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor SkewedReverseKl::compare(const LogProbs& log_probs, const StepContext& context) const {
  return kl_to(log_probs.student, mix(log_probs, 1 - context.value(lambda_)));
}

void SkewedReverseKl::options(Section& section) {
  DivergenceObjective::options(section);
  section.field("lambda", lambda_,
                {.help = "The student's share of the mixture; at 0 this is reverse_kl.",
                 .min = 0,
                 .max = 0.999});
  if (lambda_.lowest() < 0.001) {
    section.problem("lambda", lambda_.constant()
                                  ? "this is reverse_kl: take that"
                                  : "at 0 this is reverse_kl: keep the schedule at 0.001 or above");
  }
}

}  // namespace distill
