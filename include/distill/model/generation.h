// Text from a model: greedy decoding and sampling, with a cache, many prompts at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "distill/model/transformer.h"

namespace distill {

/// Filters as in transformers and in its order: repetition penalty, temperature, top-k, top-p.
struct SamplingOptions {
  int64_t max_new_tokens = 256;
  double temperature = 0.0;         ///< 0: the most likely token
  int64_t top_k = 0;                ///< 0: all
  double top_p = 1.0;               ///< nucleus (Holtzman et al. 2020)
  double repetition_penalty = 1.0;  ///< of tokens in prompt and answer (Keskar et al. 2019)
  uint64_t seed = 0;
  std::vector<int64_t> stop_ids;  ///< any of them ends an answer
};

/// The new ids of each prompt, with the stop id as the last one if it ended the answer. At most
/// `batch_size` prompts at a time; when one is done the next takes its place. Prompt n draws from a
/// generator of its own, so the batch size does not change which numbers are drawn for it.
/// `progress` is told how many prompts are done. Throws DataError for an empty prompt or for one
/// that with its answer exceeds learned positions, ConfigError for options out of range.
std::vector<std::vector<int64_t>> generate(const Transformer& model,
                                           const std::vector<std::vector<int64_t>>& prompts,
                                           const SamplingOptions& options, int64_t batch_size,
                                           const std::function<void(int64_t done)>& progress = {});

}  // namespace distill
