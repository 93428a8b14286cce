#include "objective/forward_kl.h"

#include <ATen/ATen.h>

#include "objective/rows.h"

namespace distill {

at::Tensor ForwardKl::sum(const LogitRows& rows, const StepContext&) const {
  const LogProbs log_probs = common_log_probs(rows, temperature_);
  const at::Tensor row_losses = kl_rows(log_probs.teacher, log_probs.student);
  return weighted_sum(row_losses, rows) * (temperature_ * temperature_);
}

void ForwardKl::options(Section& section) {
  section.field("temperature", temperature_,
                {.help = "Divides the logits of both models; the loss carries T^2.", .above = 0});
}

}  // namespace distill
