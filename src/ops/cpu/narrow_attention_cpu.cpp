#include "ops/cpu/narrow_attention_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>

#include <vector>

#include "ops/cpu/kernel.h"
#include "ops/dispatch.h"

namespace distill {
namespace {

/// The keys (or values, or a gradient) of one head, feature by feature: element (i, j) is feature i
/// of key j. `first` and `last` bound the keys that one query sees.
template <class A>
struct Features {
  A* data;
  int64_t keys, width;

  A* operator[](int64_t feature) const { return data + feature * keys; }
};

struct Range {
  int64_t first, last;
};

Range visible_range(int64_t query, int64_t queries, int64_t keys, const AttentionOptions& options) {
  const int64_t last = options.causal ? keys - queries + query + 1 : keys;
  return {options.window > 0 ? std::max<int64_t>(0, last - options.window) : 0, last};
}

/// out[j] = sum over features i of row[i] features[i][j], four features a pass.
template <class A>
DISTILL_INLINE void combine(const A* row, Features<const A> features, Range range, A* out) {
#pragma omp simd
  for (int64_t j = range.first; j < range.last; ++j) out[j] = 0;
  int64_t i = 0;
  for (; i + 4 <= features.width; i += 4) {
    const A *f0 = features[i], *f1 = features[i + 1], *f2 = features[i + 2], *f3 = features[i + 3];
    const A r0 = row[i], r1 = row[i + 1], r2 = row[i + 2], r3 = row[i + 3];
#pragma omp simd
    for (int64_t j = range.first; j < range.last; ++j) {
      out[j] += r0 * f0[j] + r1 * f1[j] + r2 * f2[j] + r3 * f3[j];
    }
  }
  for (; i < features.width; ++i) {
    const A* feature = features[i];
    const A factor = row[i];
#pragma omp simd
    for (int64_t j = range.first; j < range.last; ++j) out[j] += factor * feature[j];
  }
}

/// out[i] = factor * sum over keys j of weights[j] features[i][j].
template <class A>
DISTILL_INLINE void reduce(const A* weights, Features<const A> features, Range range, A factor,
                           A* out) {
  for (int64_t i = 0; i < features.width; ++i) {
    const A* feature = features[i];
    A sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = range.first; j < range.last; ++j) sum += weights[j] * feature[j];
    out[i] = factor * sum;
  }
}

/// features[i][j] += weights[j] row[i].
template <class A>
DISTILL_INLINE void spread(const A* weights, const A* row, Range range, Features<A> features) {
  for (int64_t i = 0; i < features.width; ++i) {
    A* feature = features[i];
    const A factor = row[i];
#pragma omp simd
    for (int64_t j = range.first; j < range.last; ++j) feature[j] += weights[j] * factor;
  }
}

/// One query: its output [d]; returns the log of the sum of exponentials. q is scaled already.
template <class A>
DISTILL_MULTIVERSION A forward_query(const A* q, Features<const A> k, Features<const A> v,
                                     Range range, A* scores, A* out) {
  combine(q, k, range, scores);
  A largest = scores[range.first], sum = 0;
#pragma omp simd reduction(max : largest)
  for (int64_t j = range.first; j < range.last; ++j) largest = std::max(largest, scores[j]);
#pragma omp simd reduction(+ : sum)
  for (int64_t j = range.first; j < range.last; ++j) {
    scores[j] = exponential(scores[j] - largest);
    sum += scores[j];
  }
  reduce(scores, v, range, 1 / sum, out);
  return largest + std::log(sum);
}

/// The rows of one query that its gradient is made of. q is scaled already.
template <class A>
struct QueryRows {
  const A *q, *out, *d_out;
  A logsumexp;
};

/// One query's share of the gradients: d_q [d] before the scale, added to d_k and d_v.
template <class A>
DISTILL_MULTIVERSION void backward_query(QueryRows<A> rows, Features<const A> k,
                                         Features<const A> v, Range range, A* weights, A* d_weights,
                                         A* d_q, Features<A> d_k, Features<A> d_v) {
  A inner = 0;
#pragma omp simd reduction(+ : inner)
  for (int64_t i = 0; i < k.width; ++i) inner += rows.out[i] * rows.d_out[i];
  combine(rows.q, k, range, weights);
  combine(rows.d_out, v, range, d_weights);
#pragma omp simd
  for (int64_t j = range.first; j < range.last; ++j) {
    weights[j] = exponential(weights[j] - rows.logsumexp);
    d_weights[j] = weights[j] * (d_weights[j] - inner);
  }
  reduce(d_weights, k, range, A{1}, d_q);
  spread(d_weights, rows.q, range, d_k);
  spread(weights, rows.d_out, range, d_v);
}

/// [T, H, d] -> [H, T, d] or, by feature, [H, d, T]; contiguous, in the arithmetic type.
at::Tensor by_head(const at::Tensor& x) {
  return x.to(arithmetic_type(x.scalar_type())).transpose(0, 1).contiguous();
}
at::Tensor by_feature(const at::Tensor& x) {
  return x.to(arithmetic_type(x.scalar_type())).permute({1, 2, 0}).contiguous();
}

template <class A>
Features<A> head_of(const at::Tensor& x, int64_t head) {
  return {.data = x.mutable_data_ptr<std::remove_const_t<A>>() + head * x.stride(0),
          .keys = x.size(2),
          .width = x.size(1)};
}

template <class A>
A* row_of(const at::Tensor& x, int64_t head, int64_t query) {
  return x.mutable_data_ptr<A>() + head * x.stride(0) + query * x.stride(1);
}

}  // namespace

DocumentForward narrow_attention_forward_cpu(const at::Tensor& q, const at::Tensor& k,
                                             const at::Tensor& v, const AttentionOptions& options) {
  const at::Tensor queries = by_head(q) * options.scale, keys = by_feature(k),
                   values = by_feature(v);
  const at::Tensor out = at::empty_like(queries);
  const int64_t heads = q.size(1), m = q.size(0), n = k.size(0), group = heads / k.size(1);
  const at::Tensor logsumexp = at::empty({heads, m}, queries.options());
  AT_DISPATCH_FLOATING_TYPES(queries.scalar_type(), "narrow_attention_forward_cpu", [&] {
    std::vector<scalar_t> scores(static_cast<size_t>(n));
    for (int64_t head = 0; head < heads; ++head) {
      const auto key = head_of<const scalar_t>(keys, head / group);
      const auto value = head_of<const scalar_t>(values, head / group);
      for (int64_t i = 0; i < m; ++i) {
        *row_of<scalar_t>(logsumexp, head, i) = forward_query<scalar_t>(
            row_of<scalar_t>(queries, head, i), key, value, visible_range(i, m, n, options),
            scores.data(), row_of<scalar_t>(out, head, i));
      }
    }
  });
  return {out.transpose(0, 1), logsumexp};
}

DocumentBackward narrow_attention_backward_cpu(const at::Tensor& d_out, const at::Tensor& q,
                                               const at::Tensor& k, const at::Tensor& v,
                                               const at::Tensor& out, const at::Tensor& logsumexp,
                                               const AttentionOptions& options) {
  const at::Tensor queries = by_head(q) * options.scale, keys = by_feature(k),
                   values = by_feature(v), outs = by_head(out), d_outs = by_head(d_out);
  const at::Tensor d_q = at::empty_like(queries);
  const at::Tensor d_k = at::zeros_like(keys), d_v = at::zeros_like(values);
  const int64_t heads = q.size(1), m = q.size(0), n = k.size(0), group = heads / k.size(1);
  AT_DISPATCH_FLOATING_TYPES(queries.scalar_type(), "narrow_attention_backward_cpu", [&] {
    std::vector<scalar_t> weights(static_cast<size_t>(n)), d_weights(static_cast<size_t>(n));
    for (int64_t head = 0; head < heads; ++head) {
      const int64_t shared = head / group;
      for (int64_t i = 0; i < m; ++i) {
        const QueryRows<scalar_t> rows{.q = row_of<scalar_t>(queries, head, i),
                                       .out = row_of<scalar_t>(outs, head, i),
                                       .d_out = row_of<scalar_t>(d_outs, head, i),
                                       .logsumexp = *row_of<scalar_t>(logsumexp, head, i)};
        backward_query<scalar_t>(rows, head_of<const scalar_t>(keys, shared),
                                 head_of<const scalar_t>(values, shared),
                                 visible_range(i, m, n, options), weights.data(), d_weights.data(),
                                 row_of<scalar_t>(d_q, head, i), head_of<scalar_t>(d_k, shared),
                                 head_of<scalar_t>(d_v, shared));
      }
    }
  });
  return {d_q.transpose(0, 1) * options.scale, d_k.permute({2, 0, 1}), d_v.permute({2, 0, 1})};
}

}  // namespace distill
