#include "distill/text/pair_windows.h"

#include <algorithm>
#include <string>

#include "distill/core/error.h"

namespace distill {
namespace {

using Kind = PairPiece::Kind;

// Tokens [begin, end) of `text`, which is the first or the second.
void append(PairWindow& window, const Encoding& text, size_t begin, size_t end,
            const PairPiece& piece) {
  const auto from = static_cast<std::ptrdiff_t>(begin), to = static_cast<std::ptrdiff_t>(end);
  window.ids.insert(window.ids.end(), text.ids.begin() + from, text.ids.begin() + to);
  window.offsets.insert(window.offsets.end(), text.offsets.begin() + from,
                        text.offsets.begin() + to);
  window.type_ids.resize(window.ids.size(), piece.type_id);
  window.texts.resize(window.ids.size(), piece.kind == Kind::kFirst ? 0 : 1);
}

void append_token(PairWindow& window, const PairPiece& piece) {
  window.ids.push_back(piece.id);
  window.offsets.push_back({});
  window.type_ids.push_back(piece.type_id);
  window.texts.push_back(-1);
}

}  // namespace

std::vector<PairWindow> pair_windows(const Tokenizer& tokenizer, std::string_view first,
                                     std::string_view second, const WindowOptions& options) {
  const std::vector<PairPiece>& pieces = tokenizer.pair_pieces();
  if (pieces.empty()) throw DataError("the tokenizer does not say how two texts make one sequence");
  const Encoding one = tokenizer.encode(first, {.add_special_tokens = false});
  const Encoding two = tokenizer.encode(second, {.add_special_tokens = false});
  // What a window holds beside the second text, which is a piece itself, as is the first.
  const auto taken = static_cast<int64_t>(one.ids.size() + pieces.size()) - 2;
  const auto size = static_cast<int64_t>(two.ids.size());
  const int64_t room = options.max_length - taken;
  if (size > room && (options.stride < 0 || room <= options.stride)) {
    throw DataError("the first text and the special tokens are " + std::to_string(taken) +
                    " tokens: of max_length " + std::to_string(options.max_length) +
                    " too little is left for the second text with stride " +
                    std::to_string(options.stride));
  }
  std::vector<PairWindow> windows;
  for (int64_t begin = 0, end = 0; windows.empty() || end < size; begin = end - options.stride) {
    end = std::min(begin + room, size);
    PairWindow& window = windows.emplace_back();
    for (const PairPiece& piece : pieces) {
      if (piece.kind == Kind::kToken) {
        append_token(window, piece);
      } else if (piece.kind == Kind::kFirst) {
        append(window, one, 0, one.ids.size(), piece);
      } else {
        append(window, two, static_cast<size_t>(begin), static_cast<size_t>(end), piece);
      }
    }
  }
  return windows;
}

}  // namespace distill
