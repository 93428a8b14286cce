#include "objective/sampled_forward_kl.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "distill/core/error.h"
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

SampledForwardKl::Sample SampledForwardKl::draw_sample(const at::Tensor& teacher,
                                                       const LogitRows& rows,
                                                       const StepContext& context) const {
  const double proposal_temperature = context.value(proposal_temperature_);
  const at::Tensor log_q = tempered_log_softmax(teacher, context.value(temperature_));
  const at::Tensor log_r =
      proposal_temperature == 1.0 ? log_q : tempered_log_softmax(log_q, proposal_temperature);
  const at::Tensor ids = draw(log_r, rows, context);
  const at::Tensor log_q_drawn = log_q.gather(-1, ids);
  return {ids, (log_q_drawn - log_r.gather(-1, ids)).exp() / samples_, log_q_drawn};
}

SampledForwardKl::Sample SampledForwardKl::given_sample(const LogitRows& rows,
                                                        const StepContext& context) const {
  if (context.value(temperature_) != 1.0) {
    throw Error(
        "objective: sampled_forward_kl at a temperature other than 1 needs a teacher that gives "
        "all "
        "its logits, found a sample of its tokens, whose probabilities are known at temperature 1 "
        "only");
  }
  return {rows.sparse.ids, tempered(rows.sparse.weights.detach(), 1.0),
          tempered(rows.sparse.log_probs.detach(), 1.0)};
}

at::Tensor SampledForwardKl::row_losses(const LogitRows& rows, const StepContext& context) const {
  const bool given = !rows.teacher.defined() && rows.sparse.weights.defined();
  at::Tensor student;
  Sample sample;
  if (given) {
    const int64_t width = rows.student.size(-1), known = rows.sparse.vocabulary;
    student = rows.student.narrow(-1, 0, known > 0 ? std::min(width, known) : width);
    sample = given_sample(rows, context);
  } else {
    const CommonLogits logits = common_logits(rows);
    student = logits.student;
    sample = draw_sample(logits.teacher, rows, context);
  }
  const at::Tensor log_probs = tempered_log_softmax(student, context.value(temperature_));
  const at::Tensor log_p = log_probs.gather(-1, sample.ids);
  return (sample.weights * (sample.log_q - log_p)).sum(-1);
}

double SampledForwardKl::row_factor(const StepContext& context) const {
  const double temperature = context.value(temperature_);
  return temperature * temperature;
}

Needs SampledForwardKl::row_needs() const {
  if (!temperature_.always(1.0)) return {.teacher_logits = true};
  return {.teacher_sample = true};
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
