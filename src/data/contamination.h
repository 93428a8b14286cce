// Training texts that repeat evaluation texts: runs of words that both have, as the GPT-3 paper
// looks for them (Brown et al. 2020, arXiv:2005.14165, appendix C; there n = 13 for most
// benchmarks). Words are what white space separates, in lower case and without punctuation. In
// scripts without spaces a word is a sentence, so next to nothing is found there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace distill {

/// The n-grams of words of evaluation texts, as 64-bit hashes: 15 to 18 bytes each, and no more
/// than one chance in 10^11 that a look-up among a hundred million of them is wrong. Safe to share
/// between threads once nothing is added.
class NgramIndex {
 public:
  struct Match {
    std::string place;  ///< of the first evaluation text that has the words
    std::string words;  ///< as they stand in the text that was looked for
  };

  /// Of n words each, n >= 1.
  explicit NgramIndex(size_t n = 13);

  /// Adds a text; `place` names it in matches. One with fewer than n words only matches a text that
  /// has the same words and no other; one without a word matches none.
  void add(std::string_view text, std::string place);
  /// The first n words in a row that an evaluation text has, too.
  std::optional<Match> find(std::string_view text) const;

  size_t size() const { return size_; }  ///< n-grams and short texts
  size_t bytes() const;                  ///< of memory, places aside

 private:
  /// False for most keys that are not there.
  bool may_have(uint64_t key) const;
  /// The slot of the key, or the one it would move into.
  size_t slot(uint64_t key) const;
  void insert(uint64_t key, uint32_t place);
  void grow();

  size_t n_;
  uint64_t drop_;  // factor of the word that leaves the window
  // A table in the order of its keys, with gaps (0): a key stands at its share of the capacity or
  // after it, so that a search ends at the first greater key.
  std::vector<uint64_t> keys_;
  std::vector<uint32_t> owners_;  // index into places_
  // A bit of eight a slot for each key: a small look-up, whose outcome the processor foresees.
  std::vector<uint64_t> bits_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  std::vector<std::string> places_;
};

}  // namespace distill
