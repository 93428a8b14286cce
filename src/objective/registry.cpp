#include "distill/objective/feature_objective.h"
#include "distill/objective/logit_objective.h"
#include "objective/adaptive_kl.h"
#include "objective/cross_entropy.h"
#include "objective/forward_kl.h"
#include "objective/hidden_mse.h"
#include "objective/jsd.h"
#include "objective/mse_logits.h"
#include "objective/reverse_kl.h"
#include "objective/sampled_forward_kl.h"
#include "objective/skewed_forward_kl.h"
#include "objective/skewed_reverse_kl.h"
#include "objective/symmetric_kl.h"
#include "objective/total_variation.h"

namespace distill {

const Registry<LogitObjective>& logit_objectives() {
  static const auto registry = [] {
    Registry<LogitObjective> all;
    all.add<CrossEntropy>("cross_entropy", "Negative log-likelihood of the target tokens.");
    all.add<ForwardKl>("forward_kl", "KL(teacher || student) at temperature T, times T^2.");
    all.add<SampledForwardKl>("sampled_forward_kl",
                              "Forward KL from tokens that the teacher draws, unbiased.");
    all.add<ReverseKl>("reverse_kl", "KL(student || teacher) at temperature T, times T^2.");
    all.add<SymmetricKl>("symmetric_kl", "Forward and reverse KL, weighted, times T^2.");
    all.add<AdaptiveKl>("adaptive_kl", "Forward and reverse KL, weighted by where they differ.");
    all.add<Jsd>("jsd", "Generalised Jensen-Shannon divergence, times T^2.");
    all.add<SkewedForwardKl>("skewed_forward_kl", "KL(teacher || mixture), times T^2.");
    all.add<SkewedReverseKl>("skewed_reverse_kl", "KL(student || mixture), times T^2.");
    all.add<TotalVariation>("total_variation", "Half the sum of |student - teacher|, times T^2.");
    all.add<MseLogits>("mse_logits", "Mean squared difference of the logits.");
    return all;
  }();
  return registry;
}

const Registry<FeatureObjective>& feature_objectives() {
  static const auto registry = [] {
    Registry<FeatureObjective> all;
    all.add<HiddenMse>("hidden_mse", "Mean squared difference of hidden states, layer by layer.");
    return all;
  }();
  return registry;
}

const Registry<Objective>& objectives() {
  static const auto registry = [] {
    Registry<Objective> all;
    all.add_all(logit_objectives());
    all.add_all(feature_objectives());
    return all;
  }();
  return registry;
}

}  // namespace distill
