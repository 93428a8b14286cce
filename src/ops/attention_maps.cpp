#include "distill/ops/attention_maps.h"

#include <ATen/ATen.h>

#include <limits>

#include "ops/dense_attention.h"

namespace distill {

at::Tensor visible_keys(int64_t m, int64_t n, const AttentionOptions& options, at::Device device) {
  TORCH_CHECK(options.causal || options.window <= 0,
              "visible_keys: a window needs causal attention");
  const bool windowed = options.window > 0 && options.window < n;
  if (!windowed && (!options.causal || m <= 1)) return {};
  const at::TensorOptions ints = at::TensorOptions(at::kLong).device(device);
  const at::Tensor position = at::arange(n - m, n, ints).unsqueeze(1);
  const at::Tensor key = at::arange(n, ints).unsqueeze(0);
  at::Tensor visible = key <= position;
  if (windowed) visible = visible.logical_and(key > position - options.window);
  return visible;
}

at::Tensor attention_scores(const at::Tensor& q, const at::Tensor& k, HeadRange heads,
                            const AttentionOptions& options) {
  TORCH_CHECK(q.dim() == 3 && k.dim() == 3 && q.size(2) == k.size(2) && k.size(1) > 0 &&
                  q.size(1) % k.size(1) == 0,
              "attention_scores: q ", q.sizes(), " does not go with k ", k.sizes());
  const auto [first, count] = heads;
  const int64_t group = q.size(1) / k.size(1), first_key = first / group;
  const int64_t keys = (first + count - 1) / group - first_key + 1;
  TORCH_CHECK(first >= 0 && count > 0 && first + count <= q.size(1) &&
                  (keys == 1 || (first % group == 0 && count % group == 0)),
              "attention_scores: heads ", first, " to ", first + count - 1, " of ", q.size(1),
              " are neither of one group of ", group, " nor whole groups");
  TORCH_CHECK(!options.causal || q.size(0) <= k.size(0), "attention_scores: ", q.size(0),
              " queries and ", k.size(0), " keys");
  return dense_scores(q.narrow(1, first, count).unsqueeze(0),
                      k.narrow(1, first_key, keys).unsqueeze(0), options)
      .squeeze(0);
}

at::Tensor attention_probabilities(const at::Tensor& scores, const AttentionOptions& options) {
  const at::Tensor visible =
      visible_keys(scores.size(-2), scores.size(-1), options, scores.device());
  if (!visible.defined()) return at::softmax(scores, -1);
  return at::softmax(
      scores.masked_fill(visible.logical_not(), -std::numeric_limits<double>::infinity()), -1);
}

}  // namespace distill
