// The classes that a divergence compares: the tokens of the whole vocabulary, or the teacher's K
// best with or without one more for all the rest.
#pragma once

#include <cstdint>
#include <optional>

#include "distill/config/section.h"
#include "distill/flow/trace.h"
#include "objective/rows.h"

namespace distill {

/// What becomes of the mass outside the K best: a class of its own, or none, each model's K
/// probabilities then being divided by their sum.
enum class Tail { kBucket, kRenormalize };

struct Classes {
  std::optional<int64_t> top_k;  ///< absent, or as large as the vocabulary: all tokens
  Tail tail = Tail::kBucket;

  void fields(Section& section);
  /// The mass outside stored tokens is known at T = 1 only: the bucket needs all logits unless that
  /// is the temperature throughout.
  Needs needs(const Number& temperature) const;
};

/// Log-probabilities of both models at the temperature over the classes. The K best are the
/// teacher's, found in its logits or, where it has none for these rows, in `rows.sparse`; stored
/// tokens that leave less than their rounding (1e-6, fp64: 1e-14) of the mass are taken to leave
/// that much, or nothing where the student leaves nothing. Throws Error where the teacher's
/// answer does not suffice.
LogProbs class_log_probs(const LogitRows& rows, const Classes& classes, double temperature);

}  // namespace distill
