#include "objective/reverse_kl.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor ReverseKl::compare(const LogProbs& log_probs, const StepContext&) const {
  return kl_rows(log_probs.student, log_probs.teacher);
}

}  // namespace distill
