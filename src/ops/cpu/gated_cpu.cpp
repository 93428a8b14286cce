#include "ops/cpu/gated_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include "ops/cpu/kernel.h"

namespace distill {
namespace {

template <class A>
struct Curve {
  A value, slope;
};

/// 1/2 (1 + erf(x / sqrt(2))), the share of the normal distribution below x.
DISTILL_INLINE double normal_cdf(double x) { return 0.5 * std::erfc(x * -0.70710678118654752); }
/// By erfc(z) = t exp(-z^2 + P(t)), t = 1 / (1 + z / 2), z >= 0 (a Chebyshev fit, relative
/// error 1.2e-7: Press et al., Numerical Recipes, 6.2): the lower tail keeps its digits.
DISTILL_INLINE float normal_cdf(float x) {
  const float z = (x < 0.0f ? -x : x) * 0.707106781f;
  const float t = 1.0f / (1.0f + 0.5f * z);
  float series = 0.17087277f;
  series = series * t - 0.82215223f;
  series = series * t + 1.48851587f;
  series = series * t - 1.13520398f;
  series = series * t + 0.27886807f;
  series = series * t - 0.18628806f;
  series = series * t + 0.09678418f;
  series = series * t + 0.37409196f;
  series = series * t + 1.00002368f;
  series = series * t - 1.26551223f;
  const float tail = 0.5f * t * exponential(series - z * z);
  return x < 0.0f ? tail : 1.0f - tail;
}

/// The activation and its derivative at x. 1/2 (1 + tanh(u)) is sigmoid(2u).
template <Activation kind, class A>
DISTILL_INLINE Curve<A> curve(A x) {
  if constexpr (kind == Activation::kRelu) {
    return {x < 0 ? A(0) : x, x > 0 ? A(1) : A(0)};
  } else if constexpr (kind == Activation::kGelu) {
    const A cdf = normal_cdf(x);
    return {x * cdf, cdf + x * exponential(x * x * A(-0.5)) * A(0.39894228040143268)};
  } else if constexpr (kind == Activation::kSilu) {
    const A sigmoid = A(1) / (A(1) + exponential(-x));
    return {x * sigmoid, sigmoid + x * sigmoid * (A(1) - sigmoid)};
  } else {
    constexpr A twice = A(2 * 0.79788456080286536), cubic = A(0.044715);
    A near = x < A(-20) ? A(-20) : x;  // further out the curve is flat, and a cube may overflow
    near = near > A(20) ? A(20) : near;
    const A sigmoid = A(1) / (A(1) + exponential(-twice * (near + cubic * near * near * near)));
    const A slope = twice * (A(1) + A(3) * cubic * near * near);
    return {x * sigmoid, sigmoid + x * sigmoid * (A(1) - sigmoid) * slope};
  }
}

template <Activation kind, class T>
DISTILL_MULTIVERSION void forward_row(const T* gate, const T* up, int64_t n, T* out) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) store(out[i], curve<kind>(load(gate[i])).value * load(up[i]));
}

template <Activation kind, class T>
DISTILL_MULTIVERSION void backward_row(const T* grad, const T* gate, const T* up, int64_t n,
                                       T* dgate, T* dup) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const auto own = curve<kind>(load(gate[i]));
    const auto upstream = load(grad[i]);
    store(dgate[i], upstream * load(up[i]) * own.slope);
    store(dup[i], upstream * own.value);
  }
}

/// Calls function.template operator()<kind>().
template <class F>
void with_kind(Activation activation, F&& function) {
  switch (activation) {
    case Activation::kSilu:
      return function.template operator()<Activation::kSilu>();
    case Activation::kGelu:
      return function.template operator()<Activation::kGelu>();
    case Activation::kGeluTanh:
      return function.template operator()<Activation::kGeluTanh>();
    case Activation::kRelu:
      return function.template operator()<Activation::kRelu>();
  }
}

}  // namespace

at::Tensor gated_forward_cpu(const at::Tensor& gate, const at::Tensor& up, Activation activation) {
  const at::Tensor gate_rows = as_rows(gate), up_rows = as_rows(up);
  const at::Tensor out = at::empty(gate.sizes(), gate.options());
  const int64_t width = gate.size(-1);
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, gate.scalar_type(), "gated_forward_cpu", [&] {
    const Rows<scalar_t> gates = rows_of<scalar_t>(gate_rows), ups = rows_of<scalar_t>(up_rows);
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    with_kind(activation, [&]<Activation kind>() {
      at::parallel_for(0, row_count(gate), row_grain(width), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          forward_row<kind>(gates[r], ups[r], width, to + r * width);
        }
      });
    });
  });
  return out;
}

std::pair<at::Tensor, at::Tensor> gated_backward_cpu(const at::Tensor& grad, const at::Tensor& gate,
                                                     const at::Tensor& up, Activation activation) {
  const at::Tensor grad_rows = as_rows(grad), gate_rows = as_rows(gate), up_rows = as_rows(up);
  const at::Tensor dgate = at::empty(gate.sizes(), gate.options()), dup = at::empty_like(dgate);
  const int64_t width = gate.size(-1);
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, gate.scalar_type(), "gated_backward_cpu", [&] {
    const Rows<scalar_t> grads = rows_of<scalar_t>(grad_rows), gates = rows_of<scalar_t>(gate_rows),
                         ups = rows_of<scalar_t>(up_rows);
    scalar_t* to_gate = dgate.mutable_data_ptr<scalar_t>();
    scalar_t* to_up = dup.mutable_data_ptr<scalar_t>();
    with_kind(activation, [&]<Activation kind>() {
      at::parallel_for(0, row_count(gate), row_grain(width), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          backward_row<kind>(grads[r], gates[r], ups[r], width, to_gate + r * width,
                             to_up + r * width);
        }
      });
    });
  });
  return {dgate, dup};
}

}  // namespace distill
