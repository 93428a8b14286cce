#include "ops/cpu/norm_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include "ops/cpu/kernel.h"
#include "ops/dispatch.h"

namespace distill {
namespace {

/// Statistics of one row, then the row. `mean` and `shift` may be null.
template <class T, class A = Arithmetic<T>>
DISTILL_MULTIVERSION void forward_row(const T* x, const A* scale, const A* shift, A eps, int64_t n,
                                      T* out, A* mean, A* rstd) {
  A centre = 0, square = 0;
  if (mean != nullptr) {
#pragma omp simd reduction(+ : centre)
    for (int64_t i = 0; i < n; ++i) centre += load(x[i]);
    centre /= static_cast<A>(n);
    *mean = centre;
  }
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < n; ++i) square += (load(x[i]) - centre) * (load(x[i]) - centre);
  const A factor = A(1) / std::sqrt(square / static_cast<A>(n) + eps);
  *rstd = factor;
  if (shift == nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) store(out[i], (load(x[i]) - centre) * factor * scale[i]);
  } else {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      store(out[i], (load(x[i]) - centre) * factor * scale[i] + shift[i]);
    }
  }
}

/// With h = (x - mean) * rstd and g = grad * scale: dx = rstd * (g - [mean(g)] - h * mean(g * h)),
/// the bracket only where centred. Adds the row's part to dscale and dshift.
template <class T, class A = Arithmetic<T>>
DISTILL_MULTIVERSION void backward_row(const T* grad, const T* x, const A* scale, A mean, A rstd,
                                       bool centred, int64_t n, T* dx, A* dscale, A* dshift) {
  A along = 0, total = 0;
#pragma omp simd reduction(+ : along, total)
  for (int64_t i = 0; i < n; ++i) {
    const A value = load(grad[i]), normal = (load(x[i]) - mean) * rstd;
    dscale[i] += value * normal;
    dshift[i] += value;
    along += value * scale[i] * normal;
    total += value * scale[i];
  }
  along /= static_cast<A>(n);
  total = centred ? total / static_cast<A>(n) : A(0);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const A normal = (load(x[i]) - mean) * rstd;
    store(dx[i], rstd * (load(grad[i]) * scale[i] - total - normal * along));
  }
}

}  // namespace

NormForward norm_forward_cpu(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift,
                             double eps, bool centred) {
  const at::Tensor source = as_rows(x);
  const int64_t width = x.size(-1), count = row_count(x);
  const at::TensorOptions options = x.options().dtype(arithmetic_type(x.scalar_type()));
  NormForward result{.out = at::empty(x.sizes(), x.options()),
                     .mean = centred ? at::empty({count}, options) : at::Tensor(),
                     .rstd = at::empty({count}, options)};
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, x.scalar_type(), "norm_forward_cpu", [&] {
    using A = Arithmetic<scalar_t>;
    const Rows<scalar_t> rows = rows_of<scalar_t>(source);
    scalar_t* out = result.out.mutable_data_ptr<scalar_t>();
    A* mean = centred ? result.mean.mutable_data_ptr<A>() : nullptr;
    A* rstd = result.rstd.mutable_data_ptr<A>();
    const A* factors = scale.const_data_ptr<A>();
    const A* offsets = shift.defined() ? shift.const_data_ptr<A>() : nullptr;
    at::parallel_for(0, count, row_grain(width), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        forward_row(rows[r], factors, offsets, static_cast<A>(eps), width, out + r * width,
                    centred ? mean + r : nullptr, rstd + r);
      }
    });
  });
  return result;
}

NormBackward norm_backward_cpu(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& scale,
                               const at::Tensor& mean, const at::Tensor& rstd) {
  const at::Tensor source = as_rows(x), upstream = as_rows(grad);
  const int64_t width = x.size(-1), count = row_count(x);
  // At most 128 blocks, however many threads there are.
  const int64_t block = std::max((count + 127) / 128, row_grain(width));
  const int64_t blocks = (count + block - 1) / block;
  const at::Tensor partial = at::zeros({blocks, 2, width}, scale.options());
  NormBackward result{.x = at::empty(x.sizes(), x.options()), .scale = {}, .shift = {}};
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, x.scalar_type(), "norm_backward_cpu", [&] {
    using A = Arithmetic<scalar_t>;
    const Rows<scalar_t> rows = rows_of<scalar_t>(source), grads = rows_of<scalar_t>(upstream);
    scalar_t* out = result.x.mutable_data_ptr<scalar_t>();
    A* sums = partial.mutable_data_ptr<A>();
    const A* factors = scale.const_data_ptr<A>();
    const A* means = mean.defined() ? mean.const_data_ptr<A>() : nullptr;
    const A* rstds = rstd.const_data_ptr<A>();
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin * block; r < std::min(end * block, count); ++r) {
        A* own = sums + r / block * 2 * width;
        backward_row(grads[r], rows[r], factors, means != nullptr ? means[r] : A(0), rstds[r],
                     means != nullptr, width, out + r * width, own, own + width);
      }
    });
    for (int64_t b = 1; b < blocks; ++b) {
      for (int64_t i = 0; i < 2 * width; ++i) sums[i] += sums[b * 2 * width + i];
    }
  });
  const at::Tensor sum = blocks > 0 ? partial[0] : at::zeros({2, width}, scale.options());
  result.scale = sum[0];
  result.shift = sum[1];
  return result;
}

}  // namespace distill
