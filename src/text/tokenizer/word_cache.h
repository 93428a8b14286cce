// What a model made of the words that it met before: one cache a thread and model, so no locks.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer/parts.h"
#include "text/tokenizer/string_table.h"

namespace distill {

class WordCache {
 public:
  /// Longer words are not worth keeping.
  static constexpr size_t kMaxWordBytes = 256;

  /// The calling thread's cache of the model with this number.
  static WordCache& of(uint64_t model);
  /// A number that no other model has.
  static uint64_t next_model();

  /// Appends the tokens of `word` and returns true if they are known.
  bool get(std::string_view word, std::vector<ModelToken>& out) const;
  void put(std::string_view word, const ModelToken* tokens, size_t count);

 private:
  StringTable words_;
  std::vector<uint32_t> ends_;  // the tokens of word n end here and begin where n - 1 ends
  std::vector<ModelToken> tokens_;
};

}  // namespace distill
