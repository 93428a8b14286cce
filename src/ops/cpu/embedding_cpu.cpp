#include "ops/cpu/embedding_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include "ops/cpu/kernel.h"

namespace distill {
namespace {

template <class T, class A = Arithmetic<T>>
DISTILL_MULTIVERSION void add_row(const T* from, int64_t n, A* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] += load(from[i]);
}

}  // namespace

void embedding_backward_cpu(const at::Tensor& grad, const at::Tensor& ids, const at::Tensor& sum) {
  const at::Tensor source = as_rows(grad), order = ids.contiguous();
  const int64_t width = grad.size(1), count = grad.size(0);
  const int64_t* rows = order.const_data_ptr<int64_t>();
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, grad.scalar_type(), "embedding_backward_cpu", [&] {
    using A = Arithmetic<scalar_t>;
    const Rows<scalar_t> grads = rows_of<scalar_t>(source);
    A* to = sum.mutable_data_ptr<A>();
    // Threads share out the columns, so that no two of them meet at a repeated token.
    at::parallel_for(0, width, 64, [&](int64_t begin, int64_t end) {
      for (int64_t t = 0; t < count; ++t) {
        add_row(grads[t] + begin, end - begin, to + rows[t] * width + begin);
      }
    });
  });
}

}  // namespace distill
