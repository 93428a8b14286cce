// The squared difference of hidden states, pair by pair, through the projector.
#include "objective/hidden_mse.h"

#include <ATen/ATen.h>

#include "objective/feature_rows.h"

namespace distill {

std::vector<TapPair> HiddenMse::pairs(const ModelTaps& models) const {
  std::vector<TapPair> pairs = layers_.of(Tap::Kind::kHidden, models);
  projector_.check(pairs, models);
  return pairs;
}

std::vector<ObjectiveParameter> HiddenMse::parameters(const ModelTaps& models) const {
  return projector_.parameters(pairs(models), models);
}

at::Tensor HiddenMse::sum(const FeatureRows& rows, const StepContext&) const {
  std::span<const at::Tensor> parameters = rows.parameters;
  at::Tensor total;
  for (const FeaturePair& pair : rows.pairs) {
    const at::Tensor student = unit_rows(pair.student, unit_, rows);
    const at::Tensor teacher = unit_rows(pair.teacher, unit_, rows);
    const at::Tensor projected = projector_.apply(student, teacher.size(-1), parameters);
    const at::Tensor losses = (widened(projected) - widened(teacher)).square().mean(-1);
    const at::Tensor sum = unit_sum(losses, unit_, rows) * pair.weight;
    total = total.defined() ? total + sum : sum;
  }
  return total;
}

void HiddenMse::options(Section& section) {
  layers_.fields(section);
  projector_.fields(section);
  section.field("tokens", unit_, {{"loss", LossUnit::kLossToken}, {"all", LossUnit::kToken}},
                {.help = "The positions that are compared: those that have a target, or all."});
}

}  // namespace distill
