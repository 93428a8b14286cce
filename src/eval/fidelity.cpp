#include "distill/eval/fidelity.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "distill/core/error.h"
#include "distill/core/signals.h"
#include "distill/objective/head_step.h"

namespace distill {
namespace {

at::Tensor log_probs(const at::Tensor& logits) {
  return at::log_softmax(logits.to(logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat),
                         -1);
}

at::Tensor picked_nll(const at::Tensor& log_p, const at::Tensor& targets) {
  return -log_p.gather(-1, targets.unsqueeze(-1)).sum(at::kDouble);
}

at::Tensor kl_sum(const at::Tensor& log_p, const at::Tensor& log_q) {
  const at::Tensor p = log_p.exp();
  return (p * (log_p - log_q).masked_fill(p == 0, 0)).sum(-1).sum(at::kDouble);
}

/// Sums over loss tokens, kept on the device until the end.
struct Sums {
  int64_t tokens = 0;
  at::Tensor student_nll, teacher_nll, forward_kl, reverse_kl, agreement;
};

void add(at::Tensor& sum, const at::Tensor& value) { sum = sum.defined() ? sum + value : value; }

void add_chunk(Sums& sums, const at::Tensor& student_logits, const at::Tensor& teacher_logits,
               const at::Tensor& targets) {
  const at::Tensor student = log_probs(student_logits);
  add(sums.student_nll, picked_nll(student, targets));
  if (!teacher_logits.defined()) return;
  add(sums.teacher_nll, picked_nll(log_probs(teacher_logits), targets));
  const int64_t common = std::min(student_logits.size(-1), teacher_logits.size(-1));
  const at::Tensor p = log_probs(teacher_logits.narrow(-1, 0, common));
  const at::Tensor q = log_probs(student_logits.narrow(-1, 0, common));
  add(sums.forward_kl, kl_sum(p, q));
  add(sums.reverse_kl, kl_sum(q, p));
  add(sums.agreement, p.argmax(-1).eq(q.argmax(-1)).sum().to(at::kDouble));
}

void add_batch(Sums& sums, const Transformer& student, const LiveTeacher* teacher, Batch batch) {
  batch = batch.to(student.device());
  const int64_t rows = batch.loss_token_count();
  sums.tokens += rows;
  if (rows == 0) return;
  const TeacherRows answers = teacher != nullptr ? teacher->answer(batch) : TeacherRows{};
  const at::Tensor hidden = student.forward(batch).hidden.index_select(0, batch.loss_rows);
  const at::Tensor targets = batch.targets.index_select(0, batch.loss_rows);
  const Head head = student.head();
  const int64_t chunk = default_chunk_rows(student.device(), false);
  for (int64_t begin = 0; begin < rows; begin += chunk) {
    const int64_t end = std::min(begin + chunk, rows);
    add_chunk(sums, head.logits(hidden.slice(0, begin, end)),
              answers.defined() ? answers.logits(begin, end) : at::Tensor(),
              targets.slice(0, begin, end));
  }
}

std::optional<double> mean(const at::Tensor& sum, int64_t count) {
  if (!sum.defined()) return std::nullopt;
  return sum.item<double>() / static_cast<double>(count);
}

}  // namespace

double Fidelity::perplexity() const { return std::exp(student_nll); }

Fidelity measure_fidelity(const Transformer& student, const LiveTeacher* teacher,
                          const std::function<std::optional<Batch>()>& next) {
  const at::NoGradGuard no_grad;
  Sums sums;
  while (std::optional<Batch> batch = next()) {
    add_batch(sums, student, teacher, std::move(*batch));
    throw_if_stopped();
  }
  if (sums.tokens == 0) throw DataError("evaluation: the data has no loss token");
  Fidelity fidelity;
  fidelity.tokens = sums.tokens;
  fidelity.student_nll = *mean(sums.student_nll, sums.tokens);
  fidelity.teacher_nll = mean(sums.teacher_nll, sums.tokens);
  fidelity.forward_kl = mean(sums.forward_kl, sums.tokens);
  fidelity.reverse_kl = mean(sums.reverse_kl, sums.tokens);
  fidelity.agreement = mean(sums.agreement, sums.tokens);
  return fidelity;
}

Fidelity measure_fidelity(const Transformer& student, const LiveTeacher* teacher,
                          const std::vector<Batch>& batches) {
  size_t at = 0;
  return measure_fidelity(student, teacher, [&]() -> std::optional<Batch> {
    if (at == batches.size()) return std::nullopt;
    return batches[at++];
  });
}

}  // namespace distill
