// The choice of a token from a row of logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "distill/core/random.h"
#include "distill/model/generation.h"

namespace distill {

inline constexpr const char* kNotNumbers =
    "the model's logits are not numbers (NaN): its weights are damaged or the dtype overflows";

/// Lowers the logits of tokens that have been seen.
void penalise_repetition(std::span<float> logits, std::span<const int64_t> seen, double penalty);

/// Draws a token, or takes the best where options.temperature is 0. Changes `logits`. NaN is an
/// Error.
int64_t choose_token(std::span<float> logits, const SamplingOptions& options, Random& random);

}  // namespace distill
