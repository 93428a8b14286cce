#include "ops/cpu/decode_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <vector>

#include "ops/cpu/kernel.h"
#include "ops/dispatch.h"

namespace distill {
namespace {

/// `count` keys (or values) of one head, `stride` elements apart.
template <class T>
struct Column {
  const T* data;
  int64_t stride, count;
};

/// scores[h][j] = q[h] . k[j] for the queries that share a key head. `key` is room for [width].
template <class T, class A>
DISTILL_MULTIVERSION void score(const A* q, Column<T> k, int64_t group, int64_t width, A* key,
                                A* scores) {
  for (int64_t j = 0; j < k.count; ++j) {
    const T* from = k.data + j * k.stride;
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) key[i] = load(from[i]);
    for (int64_t h = 0; h < group; ++h) {
      A sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < width; ++i) sum += q[h * width + i] * key[i];
      scores[h * k.count + j] = sum;
    }
  }
}

/// Turns scores [n] into exp(score - max) and returns their sum.
template <class A>
DISTILL_MULTIVERSION A exponentials(A* scores, int64_t n, A softcap) {
  if (softcap > 0) {
    for (int64_t j = 0; j < n; ++j) scores[j] = softcap * std::tanh(scores[j] / softcap);
  }
  A largest = scores[0], sum = 0;
#pragma omp simd reduction(max : largest)
  for (int64_t j = 0; j < n; ++j) largest = std::max(largest, scores[j]);
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < n; ++j) {
    scores[j] = exponential(scores[j] - largest);
    sum += scores[j];
  }
  return sum;
}

/// out[h] = sum over j of weights[h][j] v[j]. `value` is room for [width].
template <class T, class A>
DISTILL_MULTIVERSION void mix(const A* weights, Column<T> v, int64_t group, int64_t width, A* value,
                              A* out) {
  for (int64_t j = 0; j < v.count; ++j) {
    const T* from = v.data + j * v.stride;
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) value[i] = load(from[i]);
    for (int64_t h = 0; h < group; ++h) {
      const A weight = weights[h * v.count + j];
#pragma omp simd
      for (int64_t i = 0; i < width; ++i) out[h * width + i] += weight * value[i];
    }
  }
}

/// One key head of one sequence and the `group` query heads that share it. q and out [group,
/// width].
template <class T>
void attend(const T* q, Column<T> k, Column<T> v, int64_t group, int64_t width,
            const AttentionOptions& options, T* out) {
  using A = Arithmetic<T>;
  const size_t room = static_cast<size_t>(group * width);
  std::vector<A> queries(room), sums(room), row(static_cast<size_t>(width)),
      scores(static_cast<size_t>(group * k.count));
  for (size_t i = 0; i < room; ++i) queries[i] = load(q[i]) * static_cast<A>(options.scale);
  score(queries.data(), k, group, width, row.data(), scores.data());
  std::vector<A> totals;
  for (int64_t h = 0; h < group; ++h) {
    totals.push_back(
        exponentials(scores.data() + h * k.count, k.count, static_cast<A>(options.softcap)));
  }
  mix(scores.data(), v, group, width, row.data(), sums.data());
  for (size_t i = 0; i < room; ++i) {
    store(out[i], sums[i] / totals[i / static_cast<size_t>(width)]);
  }
}

}  // namespace

at::Tensor decode_attention_cpu(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                const Segments& key_segments, const AttentionOptions& options) {
  const at::Tensor queries = q.contiguous();
  const at::Tensor keys = k.stride(2) == 1 ? k : k.contiguous();
  const at::Tensor values = v.stride(2) == 1 ? v : v.contiguous();
  const at::Tensor out = at::empty(q.sizes(), q.options());
  const int64_t count = q.size(0), width = q.size(2), key_heads = k.size(1);
  const int64_t group = q.size(1) / key_heads;
  const int64_t work =
      std::max<int64_t>(k.size(0) * width * group / std::max<int64_t>(count, 1), 1);
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, q.scalar_type(), "decode_attention_cpu", [&] {
    const scalar_t* from = queries.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    const auto column = [&](const at::Tensor& cache, int64_t begin, int64_t end, int64_t head) {
      return Column<scalar_t>{.data = cache.const_data_ptr<scalar_t>() + begin * cache.stride(0) +
                                      head * cache.stride(1),
                              .stride = cache.stride(0),
                              .count = end - begin};
    };
    at::parallel_for(
        0, count * key_heads, std::max<int64_t>(1, 16384 / work), [&](int64_t begin, int64_t end) {
          for (int64_t task = begin; task < end; ++task) {
            const int64_t sequence = task / key_heads, head = task % key_heads;
            const auto n = static_cast<size_t>(sequence);
            const int64_t last = key_segments.bounds[n + 1];
            int64_t first = key_segments.bounds[n];
            if (options.window > 0) first = std::max(first, last - options.window);
            const int64_t offset = (sequence * q.size(1) + head * group) * width;
            attend(from + offset, column(keys, first, last, head),
                   column(values, first, last, head), group, width, options, to + offset);
          }
        });
  });
  return out;
}

}  // namespace distill
