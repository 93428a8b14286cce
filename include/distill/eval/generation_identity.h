// What tells one generation of texts from another.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "distill/eval/text_generation.h"

namespace distill {

/// What makes a generation this one, as names and values.
struct GenerationIdentity {
  using Entries = std::vector<std::pair<std::string, std::string>>;
  Entries text;      ///< decides the text: has to be the same
  Entries rounding;  ///< may decide the last bits of logits: batch_size, device, threads, build
};

/// `folder` is the model's. Hashes its weights.
GenerationIdentity generation_identity(const GenerateConfig& config, const GenerationPlan& plan,
                                       const std::filesystem::path& folder,
                                       const Tokenizer& tokenizer, at::Device device,
                                       at::ScalarType dtype);

}  // namespace distill
