// Tokens that are found in the text before the model sees it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer/parts.h"

namespace distill {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool single_word = false;  // not inside a longer word
  bool lstrip = false;       // takes the white space before
  bool rstrip = false;       // takes the white space behind
  bool normalized = true;    // looked for in the normalized text
  bool special = false;
};

/// A part of a text: an added token, or what lies between (null).
struct AddedMatch {
  size_t begin = 0;
  size_t end = 0;
  const AddedToken* token = nullptr;
};

/// Finds the longest of a set of strings at the leftmost place.
class TokenFinder {
 public:
  void add(std::string pattern, const AddedToken* token);
  /// To be called once all are there.
  void finish();
  /// Appends the parts of `text`. `skip_special`: special tokens are ordinary text.
  void cut(std::string_view text, bool skip_special, std::vector<AddedMatch>& out) const;

 private:
  struct Entry {
    std::string pattern;
    const AddedToken* token;
  };
  const Entry* longest_at(std::string_view text, size_t at) const;

  std::vector<Entry> entries_;  // sorted
  std::array<uint32_t, 257>
      firsts_{};  // entries that start with byte b: [firsts_[b], firsts_[b + 1])
};

class AddedTokens {
 public:
  /// Ids are those of the vocabulary, and count on from there. Throws DataError if the file says
  /// anything else.
  AddedTokens(const Json& rules, const Vocabulary& vocabulary, const Normalizer* normalizer,
              const std::string& where);
  AddedTokens(const AddedTokens&) = delete;
  AddedTokens& operator=(const AddedTokens&) = delete;

  const TokenFinder& in_source() const { return in_source_; }
  const TokenFinder& in_normalized() const { return in_normalized_; }
  /// Null if there is none.
  const AddedToken* find(std::string_view content) const;
  const AddedToken* find(int64_t id) const;
  int64_t id_end() const { return by_id_.empty() ? 0 : by_id_.rbegin()->first + 1; }

 private:
  std::map<std::string, AddedToken, std::less<>> by_content_;
  std::map<int64_t, const AddedToken*> by_id_;
  TokenFinder in_source_, in_normalized_;
};

}  // namespace distill
