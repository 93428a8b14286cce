#include "objective/adaptive_kl.h"

#include <ATen/ATen.h>

namespace distill {
namespace {

/// The head's part of sum |p - q|, 1/2 where the rows are equal: [R].
at::Tensor head_weight(const LogProbs& log_probs, double tail_mass) {
  const at::Tensor q = log_probs.teacher.exp();
  const at::Tensor gap = (q - log_probs.student.detach().exp()).abs();
  const auto [sorted, order] = q.sort(/*stable=*/true, /*dim=*/-1, /*descending=*/false);
  const at::Tensor in_tail = sorted.cumsum(-1) <= tail_mass;
  const at::Tensor all = gap.sum(-1);
  const at::Tensor head = gap.gather(-1, order).masked_fill(in_tail, 0).sum(-1);
  return (head / all).masked_fill(all == 0, 0.5);
}

}  // namespace

at::Tensor AdaptiveKl::compare(const LogProbs& log_probs, const StepContext& context) const {
  const at::Tensor weight = head_weight(log_probs, context.value(tail_mass_));
  return weight * kl_rows(log_probs.teacher, log_probs.student) +
         (1 - weight) * kl_rows(log_probs.student, log_probs.teacher);
}

void AdaptiveKl::options(Section& section) {
  DivergenceObjective::options(section);
  section.field("tail_mass", tail_mass_,
                {.help = "Mass of the teacher's least likely tokens that are the tail.",
                 .above = 0,
                 .below = 1});
}

}  // namespace distill
