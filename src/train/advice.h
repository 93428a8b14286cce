// What a person is told when training cannot go on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "distill/data/batch_source.h"
#include "distill/train/model_plan.h"

namespace distill {

/// The records of a step whose loss was not finite, and what can be done. `saved`: the step of the
/// newest checkpoint.
std::string not_finite_advice(const std::vector<SampleRef>& samples, const BatchSource& source,
                              std::optional<int64_t> saved);

/// The largest parts of the memory that the run was estimated to need, and the keys that lower it.
std::string out_of_memory_advice(std::vector<MemoryPart> parts);

/// Does `work`. Where it runs out of memory, throws a TrainingError: "out of memory while WHAT" and
/// out_of_memory_advice.
void with_memory_advice(const std::string& what, const std::vector<MemoryPart>& parts,
                        const std::function<void()>& work);

}  // namespace distill
