#include "distill/ops/attention_maps.h"

#include "check.h"

namespace distill {
namespace {

const AttentionOptions kOptions[] = {
    {.scale = 0.4},
    {.scale = 0.4, .causal = false},
    {.scale = 0.4, .window = 3},
    {.scale = 0.4, .softcap = 2.0},
    {.scale = 0.4, .window = 2, .softcap = 2.0},
};

/// Queries and keys of one document; with more keys than queries it is the end of one.
const std::pair<int64_t, int64_t> kSizes[] = {{7, 7}, {3, 9}, {1, 5}, {1, 1}};

constexpr int64_t kHeads = 6, kWidth = 5;

Tensors inputs(int64_t m, int64_t n, int64_t key_heads, at::ScalarType type = at::kDouble) {
  return {random_tensor({m, kHeads, kWidth}, type), random_tensor({n, key_heads, kWidth}, type)};
}

/// The definition of every head's scores, in fp64: [H, m, n].
at::Tensor defined_scores(const Tensors& t, const AttentionOptions& options) {
  const at::Tensor k = t[1].repeat_interleave(t[0].size(1) / t[1].size(1), 1);
  const at::Tensor scores =
      at::einsum("qhd,khd->hqk", {t[0].to(at::kDouble), k.to(at::kDouble)}) * options.scale;
  return options.softcap > 0 ? at::tanh(scores / options.softcap) * options.softcap : scores;
}

/// Of a query at position p: keys up to p, and of those the window's.
at::Tensor defined_visibility(int64_t m, int64_t n, const AttentionOptions& options) {
  at::Tensor visible = at::zeros({m, n}, at::kDouble);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const int64_t distance = n - m + i - j;
      const bool seen =
          (!options.causal || distance >= 0) && (options.window == 0 || distance < options.window);
      visible[i][j] = seen ? 1.0 : 0.0;
    }
  }
  return visible;
}

at::Tensor defined_probabilities(const Tensors& t, const AttentionOptions& options) {
  const at::Tensor weights =
      defined_scores(t, options).exp() * defined_visibility(t[0].size(0), t[1].size(0), options);
  return weights / weights.sum(-1, true);
}

TEST(AttentionMaps, EqualTheirDefinition) {
  for (const auto& [m, n] : kSizes) {
    for (const AttentionOptions& options : kOptions) {
      for (const int64_t key_heads : {6, 3, 1}) {
        SCOPED_TRACE(testing::Message() << m << " queries, " << n << " keys of " << key_heads
                                        << " heads, window " << options.window << ", softcap "
                                        << options.softcap << ", causal " << options.causal);
        const auto scores = [&options = options](const Tensors& t) {
          return attention_scores(t[0], t[1], {0, kHeads}, options);
        };
        const auto probabilities = [&](const Tensors& t) {
          return attention_probabilities(scores(t), options);
        };
        const Tensors in = inputs(m, n, key_heads);
        expect_same_function(
            scores, [&](const Tensors& t) { return defined_scores(t, options); }, in, 1e-9, 1e-9);
        expect_same_function(
            probabilities, [&](const Tensors& t) { return defined_probabilities(t, options); }, in,
            1e-9, 1e-9);
      }
    }
  }
}

TEST(AttentionMaps, AreInFp32ForNarrowerTypes) {
  const Tensors in = inputs(7, 7, 3, at::kBFloat16);
  const at::Tensor scores = attention_scores(in[0], in[1], {0, kHeads}, {.scale = 0.4});
  EXPECT_EQ(scores.scalar_type(), at::kFloat);
  expect_close(scores, defined_scores(in, {.scale = 0.4}), 1e-5, 1e-6);
  EXPECT_EQ(attention_probabilities(scores, {.scale = 0.4}).scalar_type(), at::kFloat);
}

TEST(AttentionMaps, AreMadeForTheHeadsThatAreAskedFor) {
  const Tensors in = inputs(7, 7, 3);  // two heads share a key head
  const at::Tensor all = defined_scores(in, {.scale = 0.4});
  for (const HeadRange heads : {HeadRange{0, 1}, {1, 1}, {4, 2}, {2, 4}, {0, 6}}) {
    const at::Tensor some = attention_scores(in[0], in[1], heads, {.scale = 0.4});
    expect_close(some, all.narrow(0, heads.first, heads.count), 1e-12, 1e-12);
  }
}

TEST(AttentionMaps, KeysThatAreNotSeenHaveScoresAndNoProbability) {
  const Tensors in = inputs(7, 7, 3);
  for (const AttentionOptions& options : kOptions) {
    const at::Tensor scores = attention_scores(in[0], in[1], {0, kHeads}, options);
    EXPECT_TRUE(scores.isfinite().all().item<bool>());
    const at::Tensor visible = visible_keys(7, 7, options, at::kCPU);
    const at::Tensor expected = defined_visibility(7, 7, options).to(at::kBool);
    EXPECT_TRUE(visible.defined() ? at::equal(visible, expected) : expected.all().item<bool>());
    const at::Tensor hidden = attention_probabilities(scores, options).masked_select(~expected);
    EXPECT_TRUE((hidden == 0).all().item<bool>());
  }
}

TEST(AttentionMaps, WhatDoesNotFitThrows) {
  const Tensors in = inputs(4, 4, 3);
  const auto call = [&](HeadRange heads, const at::Tensor& k, const AttentionOptions& options) {
    return attention_scores(in[0], k, heads, options);
  };
  EXPECT_NO_THROW(call({2, 2}, in[1], {}));
  EXPECT_THROW(call({1, 2}, in[1], {}), c10::Error);  // of two groups, neither whole
  EXPECT_THROW(call({4, 4}, in[1], {}), c10::Error);  // more than there are
  EXPECT_THROW(call({-2, 2}, in[1], {}), c10::Error);
  EXPECT_THROW(call({0, 0}, in[1], {}), c10::Error);
  EXPECT_THROW(call({0, 6}, at::ones({4, 4, kWidth}), {}), c10::Error);      // 6 heads over 4
  EXPECT_THROW(call({0, 6}, at::ones({4, 3, kWidth + 1}), {}), c10::Error);  // other width
  EXPECT_THROW(call({0, 6}, in[1].narrow(0, 0, 2), {}), c10::Error);         // too few keys
  EXPECT_NO_THROW(call({0, 6}, in[1].narrow(0, 0, 2), {.causal = false}));
}

TEST(VisibleKeys, OfAWindowNeedCausalAttention) {
  EXPECT_THROW(visible_keys(4, 4, {.causal = false, .window = 2}, at::kCPU), c10::Error);
}

}  // namespace
}  // namespace distill
