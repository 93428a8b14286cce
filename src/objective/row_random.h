// Random numbers that belong to rows and not to where a row stands: the same however the rows are
// cut into chunks, packed, ordered or spread over micro-batches.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace distill {

/// SplitMix64's output for a state, each element for itself: what Random(state).next() gives. int64
/// stands for uint64 bit by bit.
at::Tensor split_mix(const at::Tensor& state);

/// `draws` numbers in [0, 1) of 52 bits for each of the keys: fp64 [R, draws], on the keys' device,
/// without a host synchronisation. Two seeds or two keys have nothing in common.
at::Tensor row_uniforms(uint64_t seed, const at::Tensor& keys, int64_t draws);

}  // namespace distill
