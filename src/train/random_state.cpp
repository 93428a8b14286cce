#include "train/random_state.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include "distill/core/random.h"

namespace distill {
namespace {

constexpr const char* kPrefix = "generator.";

struct NamedGenerator {
  std::string name;
  at::Generator generator;
};

std::vector<NamedGenerator> generators(at::Device device) {
  std::vector<NamedGenerator> all = {
      {std::string(kPrefix) + "cpu", at::globalContext().defaultGenerator(at::kCPU)}};
  if (!device.is_cpu()) {
    all.push_back({kPrefix + c10::DeviceTypeName(device.type(), /*lower_case=*/true),
                   at::globalContext().defaultGenerator(device)});
  }
  return all;
}

}  // namespace

void seed_generators(uint64_t seed, at::Device device) {
  for (NamedGenerator& each : generators(device)) {
    each.generator.set_current_seed(derive_seed(seed, "dropout"));
  }
}

NamedTensors generator_states(at::Device device) {
  NamedTensors states;
  for (NamedGenerator& each : generators(device)) {
    states.emplace_back(each.name, each.generator.get_state());
  }
  return states;
}

NamedTensors load_generators(const LoadedCheckpoint& checkpoint, at::Device device) {
  NamedTensors states = generator_states(device);
  for (auto& [name, state] : states) {
    for (const auto& [stored_name, stored] : checkpoint.tensors) {
      if (stored_name == name && stored.sizes() == state.sizes()) state = stored.clone();
    }
  }
  return states;
}

LoadedCheckpoint without_generators(LoadedCheckpoint checkpoint) {
  std::erase_if(checkpoint.tensors,
                [](const auto& named) { return named.first.starts_with(kPrefix); });
  return checkpoint;
}

void restore_generators(const NamedTensors& states, at::Device device) {
  for (NamedGenerator& each : generators(device)) {
    for (const auto& [name, state] : states) {
      if (name == each.name) each.generator.set_state(state);
    }
  }
}

}  // namespace distill
