// Parameters to optimize, without a model around them.
#pragma once

#include <ATen/ATen.h>

#include <deque>
#include <string>
#include <vector>

#include "distill/core/random.h"
#include "distill/optim/flat_parameters.h"

namespace distill::tests {

/// Numbers in [-1, 1).
inline at::Tensor random_tensor(std::vector<int64_t> shape, uint64_t seed,
                                at::ScalarType dtype = at::kFloat) {
  Random random(seed);
  at::Tensor tensor = at::empty(shape, at::kDouble);
  auto* values = tensor.data_ptr<double>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = 2.0 * random.uniform() - 1.0;
  }
  return tensor.to(dtype);
}

/// Named values with their gradients, as a model holds them.
struct Tensors {
  struct One {
    std::string name;
    at::Tensor value, gradient;
    ParameterGroup group;
  };
  std::deque<One> all;
  at::ScalarType dtype = at::kFloat;

  void add(const std::string& name, std::vector<int64_t> shape, ParameterGroup group = {}) {
    all.push_back({name, random_tensor(std::move(shape), all.size(), dtype), {}, std::move(group)});
  }

  std::vector<ParameterRef> refs() {
    std::vector<ParameterRef> refs;
    for (One& one : all) refs.push_back({one.name, &one.value, &one.gradient, one.group});
    return refs;
  }
};

}  // namespace distill::tests
