// A word on its way from characters to tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "text/tokenizer/merge_table.h"
#include "text/tokenizer/parts.h"

namespace distill {

/// Its memory is used again for the next word. Merging n symbols takes O(n log n).
class BpeWord {
 public:
  void clear() { symbols_.clear(); }
  void add(int32_t id, size_t bytes);
  void merge(const MergeTable& merges);
  void append_to(std::vector<ModelToken>& out) const;

 private:
  // A link of a chain, empty once it has merged into its left neighbour.
  struct Symbol {
    int32_t id = 0;
    uint32_t bytes = 0;
    int32_t previous = -1;
    int32_t next = -1;
  };
  struct Candidate {
    uint32_t rank = 0;
    uint32_t position = 0;  // of the left symbol
    int32_t id = 0;

    bool operator<(const Candidate& other) const {  // the heap has the lowest rank on top
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };

  /// True if the symbol merges with its right neighbour: it is a candidate then.
  bool consider(const MergeTable& merges, size_t position);
  void push(const MergeTable& merges, size_t position);

  std::vector<Symbol> symbols_;
  std::vector<Candidate> candidates_;
};

}  // namespace distill
