// Counts what losses are means over.
#include "distill/objective/loss_unit.h"

#include "distill/core/error.h"

namespace distill {

UnitCounts UnitCounts::of(const Batch& batch) {
  const int64_t documents = batch.document_count();
  return {batch.loss_token_count(), batch.token_count(), documents,
          batch.groups > 0 ? batch.groups : documents};
}

UnitCounts& UnitCounts::operator+=(const UnitCounts& other) {
  loss_tokens += other.loss_tokens;
  tokens += other.tokens;
  documents += other.documents;
  groups += other.groups;
  return *this;
}

int64_t UnitCounts::operator[](LossUnit unit) const {
  switch (unit) {
    case LossUnit::kLossToken:
      return loss_tokens;
    case LossUnit::kToken:
      return tokens;
    case LossUnit::kDocument:
      return documents;
    case LossUnit::kGroup:
      return groups;
  }
  throw Error("UnitCounts: no such unit");
}

}  // namespace distill
