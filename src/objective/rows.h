// Shared arithmetic of the row losses. fp32 whatever the compute dtype; fp64 stays fp64.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/objective/logit_objective.h"

namespace distill {

/// logits / temperature, in fp32 or fp64.
at::Tensor tempered(const at::Tensor& logits, double temperature);

/// log softmax(logits / temperature) over the last dimension, in fp32 or fp64.
at::Tensor tempered_log_softmax(const at::Tensor& logits, double temperature);

/// Both models' logits over the common prefix of their vocabularies. Throws Error where the
/// teacher has none for these rows.
struct CommonLogits {
  at::Tensor student;  // [R, V], with gradient
  at::Tensor teacher;  // [R, V], without
};
CommonLogits common_logits(const LogitRows& rows);

/// Log-probabilities of both models over the same classes: the common prefix, or what classes.h
/// makes of it.
struct LogProbs {
  at::Tensor student;  // [R, C], with gradient
  at::Tensor teacher;  // [R, C], without
};
LogProbs common_log_probs(const LogitRows& rows, double temperature);

/// sum_v exp(log_p) (log_p - log_q) a row, with 0 log 0 = 0: [R].
at::Tensor kl_rows(const at::Tensor& log_p, const at::Tensor& log_q);

/// teacher_share q + (1 - teacher_share) p: [R, V], with p the student's.
at::Tensor mix(const LogProbs& log_probs, double teacher_share);

/// sum_v exp(log_p) (log_p - log mixture) a row, with 0 log 0 = 0: [R].
at::Tensor kl_to(const at::Tensor& log_p, const at::Tensor& mixture);

}  // namespace distill
