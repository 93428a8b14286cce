// How far a student is from the text and from its teacher: held-out NLL, KL both ways, agreement.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/loss/loss_step.h"

namespace distill {

/// Means over `tokens` loss tokens, in nats, at temperature 1. What concerns the teacher is absent
/// where there is none that gives all its logits; it is measured over the common prefix of the
/// vocabularies.
struct Fidelity {
  int64_t tokens = 0;
  double student_nll = 0.0;
  std::optional<double> teacher_nll;
  std::optional<double> forward_kl;  ///< KL(teacher || student)
  std::optional<double> reverse_kl;  ///< KL(student || teacher)
  std::optional<double> agreement;   ///< share of tokens with the same most likely token
  std::optional<double> loss;        ///< of the objectives that were given

  double perplexity() const;
};

/// A training loss that is measured along, with the batches' row weights.
struct MeasuredLoss {
  std::vector<LossTerm> terms;  ///< with the objectives' weights
  StepContext context;
};

/// `next` gives batches until it gives none. No gradients; through the loss step, so nothing
/// [tokens, vocabulary] is whole; sums are fp64. Throws DataError if there is no loss token at all.
Fidelity measure_fidelity(LossStep& step, const std::function<std::optional<Batch>()>& next,
                          const MeasuredLoss& loss = {});
Fidelity measure_fidelity(LossStep& step, const std::vector<Batch>& batches,
                          const MeasuredLoss& loss = {});

}  // namespace distill
