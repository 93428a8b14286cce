#include "objective/fused_plan.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

namespace distill {
namespace {

FusedPlan all_others(size_t terms) {
  FusedPlan plan;
  plan.others.resize(terms);
  std::iota(plan.others.begin(), plan.others.end(), size_t{0});
  return plan;
}

/// Into the first call of the same weights with a free place.
void place(FusedPlan& plan, size_t index, const FusedTerm& fused, const HeadTerm& term) {
  const auto has_place = [&](const FusedCall& call) {
    const bool taken = (fused.cross_entropy ? call.cross_entropy : call.divergence).has_value();
    return !taken && call.weights.is_same(term.weights);
  };
  auto call_at = std::find_if(plan.calls.begin(), plan.calls.end(), has_place);
  if (call_at == plan.calls.end()) {
    plan.calls.emplace_back().weights = term.weights;
    call_at = plan.calls.end() - 1;
  }
  FusedCall& call = *call_at;
  const double scale = term.scale;
  if (fused.cross_entropy) {
    call.cross_entropy = index;
    call.loss.cross_entropy = true;
    call.loss.cross_entropy_scale = scale;
    return;
  }
  call.divergence = index;
  call.factor = fused.factor;
  call.loss.divergence = fused.divergence;
  call.loss.temperature = fused.temperature;
  call.loss.ratio = fused.ratio;
  call.loss.divergence_scale = scale * fused.factor;
}

}  // namespace

FusedRowLosses FusedCall::run(const LogitRows& rows, bool want_gradients) const {
  FusedRows fused;
  fused.student = rows.student;
  if (divergence) fused.teacher = rows.teacher;
  fused.targets = rows.targets.contiguous();
  if (rows.weights.defined()) fused.weights = rows.weights.contiguous();
  return fused_loss(fused, loss, want_gradients);
}

FusedPlan plan_fused(const std::vector<HeadTerm>& terms, const StepContext& context,
                     at::Device device, at::ScalarType dtype, bool want_gradients) {
  if (!has_fused_loss(device, dtype)) return all_others(terms.size());
  FusedPlan plan;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (const std::optional<FusedTerm> fused = terms[i].objective->fused(context)) {
      place(plan, i, *fused, terms[i]);
    } else {
      plan.others.push_back(i);
    }
  }
  const bool one_way = plan.calls.size() <= 1 && plan.others.empty();
  return want_gradients && !one_way ? all_others(terms.size()) : plan;
}

bool runs_fused(const std::vector<HeadTerm>& terms, at::Device device, at::ScalarType dtype) {
  // The first step has every number's first value, an evaluation its last.
  return plan_fused(terms, StepContext{}, device, dtype, true).all_fused() &&
         plan_fused(terms, StepContext::evaluation(0, 0), device, dtype, true).all_fused();
}

}  // namespace distill
