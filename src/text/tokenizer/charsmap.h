// SentencePiece's table of what characters become, as its models and tokenizer.json carry it: a
// trie (the double array of darts-clone) and the replacements that it points to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace distill {

class Charsmap {
 public:
  /// `base64`: four bytes with the size of the trie, the trie, and replacements that end with a
  /// zero. Throws DataError.
  Charsmap(const std::string& base64, const std::string& where);

  /// What the shortest rule that `text` starts with puts in its place; nothing if there is none.
  std::optional<std::string_view> find(std::string_view text) const;

 private:
  std::optional<std::string_view> replacement(uint32_t place) const;

  std::vector<uint32_t> trie_;
  std::string replacements_;
};

}  // namespace distill
