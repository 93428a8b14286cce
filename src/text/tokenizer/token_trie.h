// The tokens of a vocabulary by their bytes, to find all that start at a place of a text.
#pragma once

#include <string_view>

#include "text/tokenizer/merge_table.h"
#include "text/tokenizer/vocabulary.h"

namespace distill {

class TokenTrie {
 public:
  explicit TokenTrie(const Vocabulary& vocabulary);

  /// Calls `visit(id, bytes)` for each token that `text` starts with, the shortest first.
  template <typename Visit>
  void prefixes(std::string_view text, Visit&& visit) const {
    int32_t node = 0;
    for (size_t at = 0; at < text.size(); ++at) {
      const auto* edge = edges_.find(node, static_cast<unsigned char>(text[at]));
      if (edge == nullptr) return;
      node = edge->id;
      if (edge->rank != kNoToken) visit(static_cast<int32_t>(edge->rank), at + 1);
    }
  }

 private:
  static constexpr uint32_t kNoToken = UINT32_MAX;

  // (node, byte) -> the node behind, and the token that ends there.
  MergeTable edges_;
};

}  // namespace distill
