#include "model/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr float kOut = -std::numeric_limits<float>::infinity();

/// Keeps what is at least the k-th best.
void keep_top_k(std::span<float> logits, int64_t k) {
  if (k <= 0 || static_cast<size_t>(k) >= logits.size()) return;
  std::vector<float> sorted(logits.begin(), logits.end());
  const auto kth = sorted.begin() + (k - 1);
  std::nth_element(sorted.begin(), kth, sorted.end(), std::greater<>());
  for (float& logit : logits) {
    if (logit < *kth) logit = kOut;
  }
}

/// exp(logit - best) of each token, and their sum.
double weigh(std::span<const float> logits, std::vector<double>& weights) {
  const float best = *std::max_element(logits.begin(), logits.end());
  weights.resize(logits.size());
  double total = 0.0;
  for (size_t i = 0; i < logits.size(); ++i) {
    weights[i] = logits[i] == kOut ? 0.0 : std::exp(static_cast<double>(logits[i] - best));
    total += weights[i];
  }
  return total;
}

/// Drops the least likely tokens as long as what they add up to stays within 1 - p.
void keep_top_p(std::span<const float> logits, std::vector<double>& weights, double& total,
                double p) {
  std::vector<size_t> order;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0.0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return logits[a] < logits[b]; });
  const double limit = (1.0 - p) * total;
  double dropped = 0.0;
  for (size_t n = 0; n + 1 < order.size(); ++n) {
    dropped += weights[order[n]];
    if (dropped > limit) break;
    weights[order[n]] = 0.0;
  }
  total = std::accumulate(weights.begin(), weights.end(), 0.0);
}

}  // namespace

void penalise_repetition(std::span<float> logits, std::span<const int64_t> seen, double penalty) {
  const std::set<int64_t> distinct(seen.begin(), seen.end());
  for (const int64_t id : distinct) {
    float& logit = logits[static_cast<size_t>(id)];
    logit = static_cast<float>(logit < 0.0F ? logit * penalty : logit / penalty);
  }
}

int64_t choose_token(std::span<float> logits, const SamplingOptions& options, Random& random) {
  if (std::any_of(logits.begin(), logits.end(), [](float x) { return std::isnan(x); })) {
    throw DataError(kNotNumbers);
  }
  const auto best = std::max_element(logits.begin(), logits.end());
  if (options.temperature == 0.0) return best - logits.begin();
  for (float& logit : logits) logit = static_cast<float>(logit / options.temperature);
  keep_top_k(logits, options.top_k);
  std::vector<double> weights;
  double total = weigh(logits, weights);
  if (options.top_p < 1.0) keep_top_p(logits, weights, total, options.top_p);
  double rest = random.uniform() * total;
  int64_t last = best - logits.begin();
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0.0) continue;
    last = static_cast<int64_t>(i);
    rest -= weights[i];
    if (rest < 0.0) break;
  }
  return last;
}

}  // namespace distill
