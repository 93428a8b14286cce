#include "ops/parallel_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <atomic>
#include <limits>
#include <numeric>

#include "distill/ops/attention_maps.h"
#include "ops/cpu/narrow_attention_cpu.h"
#include "ops/dense_attention.h"

namespace distill {
namespace {

using Bounds = std::vector<int64_t>;

/// What the kernel is told about one document.
struct Mask {
  bool causal = false;
  std::optional<at::Tensor> added;  // [m, n] in the dtype of q, 0 or -inf
};

Mask mask_of(const at::Tensor& q, int64_t n, const AttentionOptions& options) {
  const int64_t m = q.size(0);
  const bool windowed = options.window > 0 && options.window < n;
  if (options.causal && m == n && !windowed) return {.causal = true, .added = {}};
  const at::Tensor visible = visible_keys(m, n, options, q.device());
  if (!visible.defined()) return {};
  const at::Tensor zeros = at::zeros({m, n}, q.options());
  return {
      .causal = false,
      .added = zeros.masked_fill_(visible.logical_not(), -std::numeric_limits<double>::infinity())};
}

/// Document `n` of a flat tensor [T, H, d].
at::Tensor document(const at::Tensor& flat, const Bounds& bounds, size_t n) {
  return flat.slice(0, bounds[n], bounds[n + 1]);
}

/// [t, H, d] -> [1, H, t, d], as ATen's kernel wants it, and back.
at::Tensor heads_first(const at::Tensor& x) { return x.transpose(0, 1).unsqueeze(0); }
at::Tensor heads_last(const at::Tensor& x) { return x.squeeze(0).transpose(0, 1); }

bool is_narrow(const at::Tensor& q) { return q.size(2) <= kNarrowHead; }

/// One document: q [m, H, d], k and v [n, Hkv, d].
DocumentForward forward_document(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 const AttentionOptions& options) {
  if (is_narrow(q)) return narrow_attention_forward_cpu(q, k, v, options);
  const Mask mask = mask_of(q, k.size(0), options);
  const auto [out, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(
      heads_first(q), heads_first(k), heads_first(v), 0.0, mask.causal, mask.added, options.scale);
  return {heads_last(out), logsumexp};
}

DocumentBackward backward_document(const at::Tensor& d_out, const at::Tensor& q,
                                   const at::Tensor& k, const at::Tensor& v, const at::Tensor& out,
                                   const at::Tensor& logsumexp, const AttentionOptions& options) {
  if (is_narrow(q)) return narrow_attention_backward_cpu(d_out, q, k, v, out, logsumexp, options);
  const Mask mask = mask_of(q, k.size(0), options);
  const auto [d_q, d_k, d_v] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      heads_first(d_out), heads_first(q), heads_first(k), heads_first(v), heads_first(out),
      logsumexp, 0.0, mask.causal, mask.added, options.scale);
  return {heads_last(d_q), heads_last(d_k), heads_last(d_v)};
}

/// Calls body(n) for each document, the long ones first, on all threads.
template <class Body>
void for_each_document(const Bounds& bounds, const Body& body) {
  std::vector<size_t> order(bounds.size() - 1);
  std::iota(order.begin(), order.end(), size_t{0});
  const auto length = [&](size_t n) { return bounds[n + 1] - bounds[n]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return length(a) > length(b); });
  std::atomic<size_t> next = 0;
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    const at::AutoDispatchBelowAutograd guard;  // a worker has the autograd state of no caller
    for (size_t i = next++; i < order.size(); i = next++) {
      if (length(order[i]) > 0) body(order[i]);
    }
  });
}

struct ParallelAttention : torch::autograd::Function<ParallelAttention> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q,
                            const at::Tensor& k, const at::Tensor& v, const Bounds& query_bounds,
                            const Bounds& key_bounds, const AttentionOptions& options) {
    at::Tensor out = at::empty(q.sizes(), q.options());
    std::vector<at::Tensor> saved(query_bounds.size() - 1);
    for_each_document(query_bounds, [&](size_t n) {
      const DocumentForward own =
          forward_document(document(q, query_bounds, n), document(k, key_bounds, n),
                           document(v, key_bounds, n), options);
      document(out, query_bounds, n).copy_(own.out);
      saved[n] = own.logsumexp;
    });
    saved.insert(saved.begin(), {q, k, v, out});
    context->save_for_backward(saved);
    context->saved_data["query_bounds"] = query_bounds;
    context->saved_data["key_bounds"] = key_bounds;
    context->saved_data["causal"] = options.causal;
    context->saved_data["window"] = options.window;
    context->saved_data["scale"] = options.scale;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3];
    const at::Tensor d_out = grads[0].contiguous();
    const Bounds query_bounds = context->saved_data["query_bounds"].toIntVector();
    const Bounds key_bounds = context->saved_data["key_bounds"].toIntVector();
    AttentionOptions options;
    options.causal = context->saved_data["causal"].toBool();
    options.window = context->saved_data["window"].toInt();
    options.scale = context->saved_data["scale"].toDouble();
    at::Tensor d_q = at::empty(q.sizes(), q.options());
    // A document without queries leaves its keys without a gradient.
    at::Tensor d_k = at::zeros(k.sizes(), k.options()), d_v = at::zeros(v.sizes(), v.options());
    for_each_document(query_bounds, [&](size_t n) {
      const DocumentBackward own =
          backward_document(document(d_out, query_bounds, n), document(q, query_bounds, n),
                            document(k, key_bounds, n), document(v, key_bounds, n),
                            document(out, query_bounds, n), saved[4 + n], options);
      document(d_q, query_bounds, n).copy_(own.q);
      document(d_k, key_bounds, n).copy_(own.k);
      document(d_v, key_bounds, n).copy_(own.v);
    });
    return {d_q, d_k, d_v, {}, {}, {}};
  }
};

Bounds widened(const std::vector<int32_t>& bounds) { return {bounds.begin(), bounds.end()}; }

}  // namespace

at::Tensor parallel_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const Segments& query_segments, const Segments& key_segments,
                              const AttentionOptions& options) {
  return ParallelAttention::apply(q, k, v, widened(query_segments.bounds),
                                  widened(key_segments.bounds), options);
}

}  // namespace distill
