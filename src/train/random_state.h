// LibTorch's random generators, which dropout draws from: the CPU's and that of the training
// device.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "distill/train/checkpoint.h"

namespace distill {

/// Seeds them from the run's seed.
void seed_generators(uint64_t seed, at::Device device);

/// Copies of their states by name: "generator.cpu" and, where training is on CUDA,
/// "generator.cuda".
NamedTensors generator_states(at::Device device);

/// Those of a checkpoint; a generator that it does not have (it was made on another device) keeps
/// the state that it has now.
NamedTensors load_generators(const LoadedCheckpoint& checkpoint, at::Device device);
/// The checkpoint's other tensors.
LoadedCheckpoint without_generators(LoadedCheckpoint checkpoint);

/// Puts back states that were taken by generator_states of the same device.
void restore_generators(const NamedTensors& states, at::Device device);

}  // namespace distill
