// The keys of an event that are the program's own: a term of the loss is logged under its label
// beside them.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace distill {

/// What an event has or a later version may add; all keys of an evaluation start with `eval_`.
inline constexpr auto kEventKeys = std::to_array<std::string_view>(
    {"step", "epoch", "loss", "grad_norm", "learning_rate", "tokens_per_second", "tokens",
     "loss_tokens", "event", "memory", "peak_memory", "samples", "seconds", "seconds_left", "terms",
     "time", "total_steps", "type"});

constexpr bool is_event_key(std::string_view key) {
  return key.starts_with("eval_") || std::ranges::find(kEventKeys, key) != kEventKeys.end();
}

}  // namespace distill
