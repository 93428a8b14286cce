// The mean squared difference of hidden states.
#pragma once

#include "distill/objective/feature_objective.h"
#include "objective/layer_pairs.h"
#include "objective/projector.h"

namespace distill {

/// sum over pairs of weight * mean over the teacher's width of (W s + b - t)^2, a position (Romero
/// et al. 2015, FitNets; Jiao et al. 2020, TinyBERT, eq. 8).
class HiddenMse final : public FeatureObjective {
 public:
  std::vector<TapPair> pairs(const ModelTaps& models) const override;
  std::vector<ObjectiveParameter> parameters(const ModelTaps& models) const override;
  LossUnit unit() const override { return unit_; }
  at::Tensor sum(const FeatureRows& rows, const StepContext& context) const override;

 protected:
  void options(Section& section) override;

 private:
  LayerPairs layers_;
  Projector projector_;
  LossUnit unit_ = LossUnit::kLossToken;
};

}  // namespace distill
