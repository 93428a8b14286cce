#include "ops/cpu/rotary_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include "ops/cpu/kernel.h"

namespace distill {
namespace {

template <class T, class A = Arithmetic<T>>
DISTILL_MULTIVERSION void turn_row(const T* x, const A* cosine, const A* sine, A direction,
                                   int64_t half, int64_t width, T* out) {
#pragma omp simd
  for (int64_t i = 0; i < half; ++i) {
    const A first = load(x[i]), second = load(x[half + i]), s = direction * sine[i];
    store(out[i], first * cosine[i] - second * s);
    store(out[half + i], second * cosine[i] + first * s);
  }
  for (int64_t i = 2 * half; i < width; ++i) out[i] = x[i];
}

}  // namespace

at::Tensor rotary_cpu(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine,
                      int direction) {
  const at::Tensor source = as_rows(x), out = at::empty(x.sizes(), x.options());
  const int64_t heads = x.size(1), width = x.size(2), half = cosine.size(1);
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, x.scalar_type(), "rotary_cpu", [&] {
    using A = Arithmetic<scalar_t>;
    const Rows<scalar_t> rows = rows_of<scalar_t>(source);
    const A* cosines = cosine.const_data_ptr<A>();
    const A* sines = sine.const_data_ptr<A>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, row_count(x), row_grain(width), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t table = r / heads * half;
        turn_row(rows[r], cosines + table, sines + table, static_cast<A>(direction), half, width,
                 to + r * width);
      }
    });
  });
  return out;
}

}  // namespace distill
