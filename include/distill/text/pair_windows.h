// Two texts as one sequence for an encoder, the second in windows if it is too long.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "distill/text/tokenizer.h"

namespace distill {

struct PairWindow {
  std::vector<int64_t> ids;
  std::vector<int64_t> type_ids;  ///< segments
  std::vector<int64_t> texts;     ///< whose token it is: 0 or 1, -1 for a special one
  std::vector<ByteSpan> offsets;  ///< in that text; {0, 0} for a special token
};

struct WindowOptions {
  int64_t max_length = 384;  ///< tokens of a window, special ones included
  int64_t stride = 128;      ///< tokens of the second text that a window shares with the next
};

/// All of `first` in each window, and `second` from its start to its end. Equal to the `tokenizers`
/// library's truncation `only_second`. Throws DataError if the tokenizer has no rule for two texts,
/// or if `first` leaves no room for more than `stride` tokens of a second text that must be cut.
std::vector<PairWindow> pair_windows(const Tokenizer& tokenizer, std::string_view first,
                                     std::string_view second, const WindowOptions& options);

}  // namespace distill
