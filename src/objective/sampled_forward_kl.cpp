#include "objective/sampled_forward_kl.h"

#include <ATen/ATen.h>

#include "distill/core/random.h"
#include "objective/row_random.h"
#include "objective/rows.h"

namespace distill {

at::Tensor SampledForwardKl::draw(const at::Tensor& log_proposal, const LogitRows& rows,
                                  const StepContext& context) const {
  const uint64_t seed = derive_seed(context.seed, "sampled_forward_kl/" + label(),
                                    static_cast<uint64_t>(context.draw));
  const at::Tensor keys = rows.keys.defined() ? rows.keys
                                              : at::arange(log_proposal.size(0),
                                                           log_proposal.options().dtype(at::kLong));
  // A product with at most 1 - 2^-52 stays below the sum, and `right` passes over what has no mass.
  const at::Tensor mass = log_proposal.exp().cumsum(-1, at::kDouble);
  const at::Tensor points = row_uniforms(seed, keys, samples_) * mass.narrow(-1, -1, 1);
  const at::Tensor ids = at::searchsorted(mass, points, /*out_int32=*/false, /*right=*/true);
  return ids.clamp_max(mass.size(-1) - 1);  // of a row of NaN
}

at::Tensor SampledForwardKl::sum(const LogitRows& rows, const StepContext& context) const {
  const CommonLogits logits = common_logits(rows);
  const at::Tensor log_q = tempered_log_softmax(logits.teacher, temperature_);
  const at::Tensor log_r =
      proposal_temperature_ == 1.0 ? log_q : tempered_log_softmax(log_q, proposal_temperature_);
  const at::Tensor ids = draw(log_r, rows, context);
  const at::Tensor log_q_drawn = log_q.gather(-1, ids);
  const at::Tensor weights = (log_q_drawn - log_r.gather(-1, ids)).exp() / samples_;
  const at::Tensor log_p_drawn = tempered_log_softmax(logits.student, temperature_).gather(-1, ids);
  const at::Tensor losses = (weights * (log_q_drawn - log_p_drawn)).sum(-1);
  return weighted_sum(losses, rows) * (temperature_ * temperature_);
}

void SampledForwardKl::options(Section& section) {
  section.field("temperature", temperature_,
                {.help = "Divides the logits of both models; the loss carries T^2.", .min = 0.01});
  section.field("samples", samples_, {.help = "Tokens drawn a row, with replacement.", .min = 1});
  section.field("proposal_temperature", proposal_temperature_,
                {.help = "The tokens are drawn from the teacher's probabilities to the power of 1 "
                         "over this, normalised; above 1 the unlikely ones are drawn more often "
                         "and weigh less.",
                 .min = 0.01});
}

}  // namespace distill
