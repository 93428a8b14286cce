#include "objective/rows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "distill/core/error.h"

namespace distill {
namespace {

/// A share of a probability below it may round to zero, whose logarithm no probability outweighs.
double smallest_normal(at::ScalarType type) {
  return type == at::kDouble ? std::numeric_limits<double>::min()
                             : static_cast<double>(std::numeric_limits<float>::min());
}

const at::Tensor& teacher_logits(const LogitRows& rows) {
  if (rows.teacher.defined()) return rows.teacher;
  throw Error(
      rows.sparse.defined()
          ? "objective: expected a teacher that gives all its logits, found one that gives " +
                std::to_string(rows.sparse.ids.size(-1)) +
                " tokens a row; a divergence takes those with `top_k`"
          : "objective: expected a teacher, found none");
}

}  // namespace

at::Tensor tempered(const at::Tensor& logits, double temperature) {
  const at::ScalarType dtype = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor wide = logits.to(dtype);
  return temperature == 1.0 ? wide : wide / temperature;
}

at::Tensor tempered_log_softmax(const at::Tensor& logits, double temperature) {
  return at::log_softmax(tempered(logits, temperature), -1);
}

CommonLogits common_logits(const LogitRows& rows) {
  const at::Tensor& teacher = teacher_logits(rows);
  const int64_t vocabulary = std::min(rows.student.size(-1), teacher.size(-1));
  return {rows.student.narrow(-1, 0, vocabulary), teacher.detach().narrow(-1, 0, vocabulary)};
}

LogProbs common_log_probs(const LogitRows& rows, double temperature) {
  const CommonLogits logits = common_logits(rows);
  return {tempered_log_softmax(logits.student, temperature),
          tempered_log_softmax(logits.teacher, temperature)};
}

at::Tensor kl_rows(const at::Tensor& log_p, const at::Tensor& log_q) {
  const at::Tensor p = log_p.exp();
  return (p * (log_p - log_q).masked_fill(p == 0, 0)).sum(-1);
}

at::Tensor mix(const LogProbs& log_probs, double teacher_share) {
  const at::Tensor p = log_probs.student.exp();
  return p + teacher_share * (log_probs.teacher.exp() - p);
}

at::Tensor kl_to(const at::Tensor& log_p, const at::Tensor& mixture) {
  const at::Tensor p = log_p.exp();
  const at::Tensor log_mixture = mixture.clamp_min(smallest_normal(p.scalar_type())).log();
  return (p * (log_p - log_mixture).masked_fill(p == 0, 0)).sum(-1);
}

}  // namespace distill
