#include "objective/rows.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace distill {

at::Tensor tempered_log_softmax(const at::Tensor& logits, double temperature) {
  const at::ScalarType dtype = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor scaled = logits.to(dtype);
  if (temperature != 1.0) scaled = scaled / temperature;
  return at::log_softmax(scaled, -1);
}

LogProbs common_log_probs(const LogitRows& rows, double temperature) {
  const int64_t vocabulary = std::min(rows.student.size(-1), rows.teacher.size(-1));
  const at::Tensor teacher = rows.teacher.detach().narrow(-1, 0, vocabulary);
  return {tempered_log_softmax(rows.student.narrow(-1, 0, vocabulary), temperature),
          tempered_log_softmax(teacher, temperature)};
}

at::Tensor kl_rows(const at::Tensor& log_p, const at::Tensor& log_q) {
  const at::Tensor p = log_p.exp();
  return (p * (log_p - log_q).masked_fill(p == 0, 0)).sum(-1);
}

at::Tensor mix(const LogProbs& log_probs, double teacher_share) {
  return teacher_share * log_probs.teacher.exp() + (1 - teacher_share) * log_probs.student.exp();
}

at::Tensor kl_to(const at::Tensor& log_p, const at::Tensor& mixture) {
  const at::Tensor p = log_p.exp();
  const at::Tensor log_mixture = mixture.masked_fill(p == 0, 1).log();
  return (p * (log_p - log_mixture).masked_fill(p == 0, 0)).sum(-1);
}

at::Tensor weighted_sum(const at::Tensor& row_losses, const LogitRows& rows) {
  return rows.weights.defined() ? (row_losses * rows.weights).sum() : row_losses.sum();
}

}  // namespace distill
