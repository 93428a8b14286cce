#include "distill/ops/attention.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "check.h"

namespace distill {
namespace {

Segments segments(const std::vector<int32_t>& lengths) {
  return Segments::from_lengths(lengths, at::kCPU);
}

/// The definition, one query and one head at a time, in fp64: [H, Tq, Tk].
at::Tensor defined_probabilities(const at::Tensor& q, const at::Tensor& k, const Segments& qs,
                                 const Segments& ks, const AttentionOptions& options) {
  const at::Tensor queries = q.to(at::kDouble), keys = k.to(at::kDouble);
  const int64_t heads = q.size(1), group = heads / k.size(1);
  std::vector<at::Tensor> rows;
  for (int64_t h = 0; h < heads; ++h) {
    for (size_t n = 0; n + 1 < qs.bounds.size(); ++n) {
      for (int64_t i = qs.bounds[n]; i < qs.bounds[n + 1]; ++i) {
        const int64_t begin = ks.bounds[n], end = ks.bounds[n + 1];
        const int64_t position = end - (qs.bounds[n + 1] - i);  // of the query among the keys
        const int64_t first =
            options.window > 0 ? std::max(begin, position - options.window + 1) : begin;
        const int64_t last = options.causal ? position + 1 : end;
        at::Tensor scores =
            at::mv(keys.select(1, h / group).slice(0, first, last), queries.select(1, h)[i]) *
            options.scale;
        if (options.softcap > 0) scores = at::tanh(scores / options.softcap) * options.softcap;
        rows.push_back(at::constant_pad_nd(at::softmax(scores, 0), {first, k.size(0) - last}));
      }
    }
  }
  return at::stack(rows).view({heads, q.size(0), k.size(0)});
}

at::Tensor defined_attention(const Tensors& t, const Segments& qs, const Segments& ks,
                             const AttentionOptions& options) {
  const at::Tensor weights = defined_probabilities(t[0], t[1], qs, ks, options);
  const at::Tensor values = t[2].to(at::kDouble).repeat_interleave(t[0].size(1) / t[1].size(1), 1);
  return at::einsum("hqk,khd->qhd", {weights, values}).to(t[0].scalar_type());
}

struct Layout {
  std::vector<int32_t> queries, keys;
};

const Layout kLayouts[] = {
    {{5, 5, 5}, {5, 5, 5}},        // one call for all
    {{3, 7, 1, 4}, {3, 7, 1, 4}},  // packed documents
    {{2, 1, 3}, {6, 1, 9}},        // a prefix in the cache
    {{2, 2}, {6, 6}},              //
    {{1, 1, 1}, {4, 9, 1}},        // decoding
    {{0, 4}, {0, 4}},              // an empty document
};

const AttentionOptions kOptions[] = {
    {.scale = 0.4},
    {.scale = 0.4, .causal = false},
    {.scale = 0.4, .window = 3},
    {.scale = 0.4, .softcap = 2.0},
    {.scale = 0.4, .window = 2, .softcap = 2.0},
};

Tensors inputs(const Layout& layout, int64_t heads, int64_t key_heads, int64_t width,
               at::ScalarType type = at::kDouble) {
  const int64_t m = segments(layout.queries).bounds.back(), n = segments(layout.keys).bounds.back();
  return {random_tensor({m, heads, width}, type), random_tensor({n, key_heads, width}, type),
          random_tensor({n, key_heads, width}, type)};
}

TEST(Attention, EqualsItsDefinition) {
  for (const Layout& layout : kLayouts) {
    const Segments qs = segments(layout.queries), ks = segments(layout.keys);
    for (const AttentionOptions& options : kOptions) {
      SCOPED_TRACE(testing::Message()
                   << "first length " << layout.queries[0] << " of " << layout.keys[0]
                   << ", window " << options.window << ", softcap " << options.softcap
                   << ", causal " << options.causal);
      const auto op = [&](const Tensors& t) {
        return attention(t[0], t[1], t[2], qs, ks, options);
      };
      const auto definition = [&](const Tensors& t) {
        return defined_attention(t, qs, ks, options);
      };
      for (const int64_t key_heads : {4, 2, 1}) {
        const Tensors in = inputs(layout, 4, key_heads, 8);
        expect_same_function(op, definition, in, 1e-9, 1e-9);
        const Tensors in32 = inputs(layout, 4, key_heads, 8, at::kFloat);
        expect_same_function(op, definition, in32, 1e-4, 1e-5);
        const Tensors in16 = inputs(layout, 4, key_heads, 8, at::kBFloat16);
        expect_same_function(op, definition, in16, 4e-2, 4e-2);
      }
    }
  }
}

TEST(Attention, GradientsEqualCentralDifferences) {
  const Layout layout{{3, 2}, {5, 2}};
  const Segments qs = segments(layout.queries), ks = segments(layout.keys);
  for (const AttentionOptions& options : kOptions) {
    expect_right_gradients(
        [&](const Tensors& t) { return attention(t[0], t[1], t[2], qs, ks, options); },
        inputs(layout, 2, 1, 3), 1e-6);
  }
}

TEST(Attention, DecodingWithoutGradientEqualsItsDefinition) {
  const Layout layout{std::vector<int32_t>(5, 1), {4, 90, 1, 33, 700}};
  const Segments qs = segments(layout.queries), ks = segments(layout.keys);
  const at::NoGradGuard no_grad;
  for (const AttentionOptions& options : kOptions) {
    for (const int64_t key_heads : {4, 2, 1}) {
      for (const int64_t width : {16, 20}) {
        for (const auto& [type, tolerance] : {std::pair{at::kDouble, 1e-10},
                                              {at::kFloat, 1e-5},
                                              {at::kBFloat16, 8e-3},
                                              {at::kHalf, 2e-3}}) {
          const Tensors in = inputs(layout, 4, key_heads, width, type);
          expect_close(attention(in[0], in[1], in[2], qs, ks, options),
                       defined_attention(in, qs, ks, options), tolerance, tolerance);
        }
      }
    }
  }
}

TEST(Attention, DecodingEqualsTheLastRowOfTraining) {
  // What is generated with a cache must be what training saw, for views of a fused projection too.
  const at::Tensor fused = random_tensor({40, 6 * 16}, at::kFloat);
  const at::Tensor q = fused.slice(1, 0, 64).view({40, 4, 16}),
                   k = fused.slice(1, 64, 80).view({40, 1, 16}),
                   v = fused.slice(1, 80).view({40, 1, 16});
  const Segments documents = segments({25, 15}), last = segments({1, 1});
  const at::Tensor rows = at::tensor({24, 39}, at::kLong);
  for (const AttentionOptions& options : kOptions) {
    if (!options.causal) continue;
    const at::Tensor all = attention(q, k, v, documents, documents, options);
    expect_close(attention(q.index_select(0, rows), k, v, last, documents, options),
                 all.index_select(0, rows), 1e-5, 1e-6);
  }
}

TEST(Attention, ADocumentSeesNothingOfItsNeighbours) {
  const Segments documents = segments({6, 9});
  for (const AttentionOptions& options : kOptions) {
    Tensors in = inputs({{6, 9}, {6, 9}}, 2, 2, 8, at::kFloat);
    const at::Tensor before = attention(in[0], in[1], in[2], documents, documents, options);
    for (at::Tensor& t : in) t.slice(0, 6).fill_(std::numeric_limits<float>::quiet_NaN());
    const at::Tensor after = attention(in[0], in[1], in[2], documents, documents, options);
    EXPECT_TRUE(at::equal(before.slice(0, 0, 6), after.slice(0, 0, 6)));
  }
}

TEST(Attention, DropoutKeepsTheMeanAndLeavesSomeOut) {
  const Layout layout{{64}, {64}};
  const Segments documents = segments({64});
  Tensors in = inputs(layout, 8, 4, 8, at::kFloat);
  in[2] = at::ones_like(in[2]);  // the output is the sum of the probabilities that are kept
  for (const double softcap : {0.0, 5.0}) {
    const AttentionOptions options{.scale = 0.4, .softcap = softcap, .dropout = 0.25};
    const at::Tensor sums = attention(in[0], in[1], in[2], documents, documents, options);
    EXPECT_NEAR(sums.mean().item<double>(), 1.0, 0.05);
    EXPECT_GT(sums.std().item<double>(), 0.05);
  }
}

TEST(Attention, TakesNoTokens) {
  const at::Tensor none = at::empty({0, 2, 8});
  EXPECT_EQ(attention(none, none, none, segments({0, 0}), segments({0, 0}), {}).size(0), 0);
}

TEST(Attention, WhatDoesNotFitThrows) {
  const at::Tensor q = at::ones({4, 4, 8}), k = at::ones({4, 2, 8});
  const auto call = [&](const at::Tensor& keys, const std::vector<int32_t>& queries_at,
                        const std::vector<int32_t>& keys_at, AttentionOptions options = {}) {
    return attention(q, keys, keys, segments(queries_at), segments(keys_at), options);
  };
  EXPECT_NO_THROW(call(k, {4}, {4}));
  EXPECT_THROW(call(k, {3}, {4}), c10::Error);                    // queries left over
  EXPECT_THROW(call(k, {4}, {2, 2}), c10::Error);                 // other sequences
  EXPECT_THROW(call(k, {1, 3}, {3, 1}), c10::Error);              // more queries than keys
  EXPECT_THROW(call(at::ones({4, 3, 8}), {4}, {4}), c10::Error);  // 4 heads over 3
  EXPECT_THROW(call(at::ones({4, 2, 6}), {4}, {4}), c10::Error);  // other width
  EXPECT_THROW(call(k, {4}, {4}, {.causal = false, .window = 2}), c10::Error);
  EXPECT_THROW(call(k, {1, 3}, {0, 4}, {.causal = false}), c10::Error);  // no keys at all
}

TEST(Attention, SameBitsOnAnyThreadCount) {
  const Layout layouts[] = {{{150, 31, 77}, {150, 31, 77}}, {{64, 64}, {64, 64}}};
  for (const Layout& layout : layouts) {
    const Segments documents = segments(layout.queries);
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      expect_same_on_any_thread_count(
          [&](const Tensors& t) {
            return attention(t[0], t[1], t[2], documents, documents, {.scale = 0.2});
          },
          inputs(layout, 6, 2, 32, type));
    }
  }
}

TEST(Segments, AreMadeFromLengths) {
  const Segments made = segments({3, 0, 4});
  EXPECT_EQ(made.bounds, (std::vector<int32_t>{0, 3, 3, 7}));
  EXPECT_EQ(made.max_length, 4);
  EXPECT_EQ(made.count(), 3);
  EXPECT_TRUE(at::equal(made.cu_seqlens, at::tensor({0, 3, 3, 7}, at::kInt)));
  EXPECT_EQ(segments({}).count(), 0);
}

}  // namespace
}  // namespace distill
