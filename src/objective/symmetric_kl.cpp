#include "objective/symmetric_kl.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor SymmetricKl::compare(const LogProbs& log_probs, const StepContext& context) const {
  return context.value(forward_weight_) * kl_rows(log_probs.teacher, log_probs.student) +
         context.value(reverse_weight_) * kl_rows(log_probs.student, log_probs.teacher);
}

void SymmetricKl::options(Section& section) {
  DivergenceObjective::options(section);
  section.field("forward_weight", forward_weight_,
                {.help = "Factor of KL(teacher || student).", .above = 0});
  section.field("reverse_weight", reverse_weight_,
                {.help = "Factor of KL(student || teacher).", .above = 0});
}

}  // namespace distill
