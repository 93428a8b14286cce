// What a loss is a mean over: an objective gives a sum, and the trainer divides it, once a step, by
// the count of the objective's unit.
#pragma once

#include <cstdint>

#include "distill/flow/batch.h"

namespace distill {

enum class LossUnit {
  kLossToken,  ///< a position that has a target
  kToken,      ///< a position
  kDocument,
  kGroup,  ///< documents that are compared with each other: see Batch::groups
};

/// How many of each a step holds, over all its micro-batches.
struct UnitCounts {
  int64_t loss_tokens = 0;
  int64_t tokens = 0;
  int64_t documents = 0;
  int64_t groups = 0;

  static UnitCounts of(const Batch& batch);
  UnitCounts& operator+=(const UnitCounts& other);
  int64_t operator[](LossUnit unit) const;
};

}  // namespace distill
