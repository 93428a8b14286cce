#include "distill/objective/logit_objective.h"
#include "objective/cross_entropy.h"
#include "objective/forward_kl.h"
#include "objective/reverse_kl.h"

namespace distill {

const Registry<LogitObjective>& logit_objectives() {
  static const auto registry = [] {
    Registry<LogitObjective> all;
    all.add<CrossEntropy>("cross_entropy", "Negative log-likelihood of the target tokens.");
    all.add<ForwardKl>("forward_kl", "KL(teacher || student) at temperature T, times T^2.");
    all.add<ReverseKl>("reverse_kl", "KL(student || teacher) at temperature T, times T^2.");
    return all;
  }();
  return registry;
}

}  // namespace distill
