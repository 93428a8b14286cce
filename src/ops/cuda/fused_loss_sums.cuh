// Sums of the fused loss and how the threads of a block add them up: pairwise in a warp, then all
// warps' at once, in a fixed order and without atomics. Sums of exponentials are relative to the
// greatest logit that their part has met; adding first agrees on the greatest of all.
#pragma once

#include "ops/cuda/piece.cuh"
#include "ops/loss_formula.h"

namespace distill::cuda {

constexpr unsigned kAllLanes = 0xffffffff;

struct Exp {
  __host__ __device__ float operator()(float x) const { return exp2f(x * 1.44269504f); }
};
struct Log {
  __host__ __device__ float operator()(float x) const { return logf(x); }
};

/// sum exp(z - max): of the labels' softmax.
struct HardSum {
  float max = -FLT_MAX, sum = 0;

  __device__ void add(float other_max, float other_sum) {
    const float most = fmaxf(max, other_max);
    sum = sum * Exp{}(max - most) + other_sum * Exp{}(other_max - most);
    max = most;
  }
};

struct RowSums {
  formula::Statistics<float> common{-FLT_MAX, -FLT_MAX};
  HardSum hard;
};

__device__ inline float exchanged(float x, int distance) {
  return __shfl_xor_sync(kAllLanes, x, distance);
}

__device__ inline float2 exchanged(float2 x, int distance) {
  return {exchanged(x.x, distance), exchanged(x.y, distance)};
}

__device__ inline RowSums exchanged(const RowSums& x, int distance) {
  RowSums other;
  other.common = {exchanged(x.common.max_s, distance),   exchanged(x.common.max_t, distance),
                  exchanged(x.common.exp_s, distance),   exchanged(x.common.exp_t, distance),
                  exchanged(x.common.forward, distance), exchanged(x.common.reverse, distance)};
  other.hard.max = exchanged(x.hard.max, distance);
  other.hard.sum = exchanged(x.hard.sum, distance);
  return other;
}

/// The sum of `count` parts.
__device__ inline float2 added(const float2* parts, int count, float) {
  float2 sum = parts[0];
  for (int i = 1; i < count; ++i) sum = {sum.x + parts[i].x, sum.y + parts[i].y};
  return sum;
}

__device__ inline RowSums added(const RowSums* parts, int count, float inverse_temperature) {
  RowSums sum;
  DISTILL_UNROLL_4
  for (int i = 0; i < count; ++i) {
    sum.common.max_s = fmaxf(sum.common.max_s, parts[i].common.max_s);
    sum.common.max_t = fmaxf(sum.common.max_t, parts[i].common.max_t);
    sum.hard.max = fmaxf(sum.hard.max, parts[i].hard.max);
  }
  DISTILL_UNROLL_4
  for (int i = 0; i < count; ++i) {
    const formula::Statistics<float> part = formula::shifted(
        parts[i].common, sum.common.max_s, sum.common.max_t, inverse_temperature, Exp{});
    sum.common.exp_s += part.exp_s;
    sum.common.exp_t += part.exp_t;
    sum.common.forward += part.forward;
    sum.common.reverse += part.reverse;
    sum.hard.sum += parts[i].hard.sum * Exp{}(parts[i].hard.max - sum.hard.max);
  }
  return sum;
}

/// The sum over a warp, in its first lane.
template <class X>
__device__ X over_warp(X x, float inverse_temperature) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const X parts[] = {x, exchanged(x, distance)};
    x = added(parts, 2, inverse_temperature);
  }
  return x;
}

/// The sums over a block's warps, seen by all its threads. `memory`: shared, for a RowSums a warp.
template <class X>
__device__ const X* over_warps(const X& own, void* memory, float inverse_temperature) {
  X* sums = static_cast<X*>(memory);
  const X of_warp = over_warp(own, inverse_temperature);
  __syncthreads();  // an earlier call's sums have been read
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = of_warp;
  __syncthreads();
  return sums;
}

}  // namespace distill::cuda
