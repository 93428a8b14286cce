// Tokens and their ids, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "distill/core/hash.h"
#include "text/tokenizer/string_table.h"

namespace distill {

class Vocabulary {
 public:
  static constexpr int32_t kAbsent = -1;
  /// Ids are below this: a damaged file must not ask for all the memory there is.
  static constexpr int64_t kMaxId = 1 << 24;

  /// Throws DataError if the token or the id is there already, or the id is out of range.
  void add(std::string_view token, int64_t id);
  /// The same, but a token that is there already stands for the new id from now on, and both ids
  /// for it.
  void add_again(std::string_view token, int64_t id);
  int32_t find(std::string_view token) const {
    const uint32_t number = tokens_.find(token);
    return number == StringTable::kAbsent ? kAbsent : ids_[number];
  }
  /// Nothing for an id that is not there.
  std::optional<std::string_view> token(int64_t id) const;
  /// How many ids there are.
  int64_t size() const { return count_; }
  /// One more than the largest id.
  int64_t id_end() const { return static_cast<int64_t>(numbers_.size()); }
  void hash_into(Hasher& hasher) const;

 private:
  void take(std::string_view token, int64_t id, bool may_repeat);

  StringTable tokens_;
  int64_t count_ = 0;
  std::vector<int32_t> ids_;       // of each string
  std::vector<uint32_t> numbers_;  // of each id; StringTable::kAbsent in a gap
};

}  // namespace distill
