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

/// The new ids of each prompt, with the stop id as the last one if it ended the answer. Empty where
/// an answer is not known.
using Answers = std::vector<std::vector<int64_t>>;

/// Whether the last of these ids ends an answer, and none before it does.
bool is_whole_answer(const std::vector<int64_t>& ids, const SamplingOptions& options);

/// At most `batch_size` prompts at a time; when one is done the next takes its place. Prompt n
/// draws from a generator of its own, so the batch size does not change which numbers are drawn for
/// it; the last bits of its logits may depend on what else is read at the same time. `on_answer` is
/// given each answer as soon as it is finished. `known` may hold answers that an earlier call with
/// the same arguments gave: they are not generated again, nor given to `on_answer`. The others are
/// to the last bit those of a call that knows none, since they are computed in the same company:
/// passes that only known answers need are left out, and the rest read all that they would have
/// read. Throws DataError for an empty prompt, for one that with its answer exceeds learned
/// positions, and for a known answer that does not end where these options end one; ConfigError for
/// options out of range; Interrupted between two passes once a signal asked for a stop.
Answers generate(
    const Transformer& model, const std::vector<std::vector<int64_t>>& prompts,
    const SamplingOptions& options, int64_t batch_size,
    const std::function<void(size_t prompt, const std::vector<int64_t>& ids)>& on_answer = {},
    const Answers& known = {});

}  // namespace distill
