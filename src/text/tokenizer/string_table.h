// Distinct strings, numbered in the order in which they came: the base of the vocabulary and of the
// word caches. Open addressing over one arena of bytes: no allocation a string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace distill {

class StringTable {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;
  static constexpr uint32_t kMaxStrings = (1 << 24) - 1;

  StringTable() { clear(); }

  /// The number of `text`, and whether it is new. Throws DataError for more than kMaxStrings.
  std::pair<uint32_t, bool> insert(std::string_view text);
  /// kAbsent if `text` was never inserted.
  uint32_t find(std::string_view text) const;
  std::string_view operator[](uint32_t number) const {
    return std::string_view(arena_).substr(ends_[number], ends_[number + 1] - ends_[number]);
  }
  uint32_t size() const { return static_cast<uint32_t>(ends_.size()) - 1; }
  size_t bytes() const { return arena_.size(); }
  void clear();

 private:
  size_t slot_of(std::string_view text, size_t hash) const;
  void grow();

  std::string arena_;
  std::vector<uint32_t> ends_;   // string n is arena_[ends_[n], ends_[n + 1])
  std::vector<uint32_t> slots_;  // 8 bits of the hash, 24 of the number plus one; 0 is empty
};

}  // namespace distill
