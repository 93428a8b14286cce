#include "text/tokenizer/token_trie.h"

#include <algorithm>
#include <vector>

namespace distill {
namespace {

size_t common_prefix(std::string_view a, std::string_view b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(ends.first - a.begin());
}

std::vector<std::string_view> sorted_tokens(const Vocabulary& vocabulary) {
  std::vector<std::string_view> tokens;
  for (int64_t id = 0; id < vocabulary.id_end(); ++id) {
    if (const auto token = vocabulary.token(id)) tokens.push_back(*token);
  }
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

size_t count_edges(const std::vector<std::string_view>& tokens) {
  size_t count = 0;
  std::string_view previous;
  for (const std::string_view token : tokens) {
    count += token.size() - common_prefix(token, previous);
    previous = token;
  }
  return count;
}

}  // namespace

TokenTrie::TokenTrie(const Vocabulary& vocabulary)
    : edges_(count_edges(sorted_tokens(vocabulary))) {
  std::vector<int32_t> path{0};  // the nodes of `previous`
  std::string_view previous;
  int32_t nodes = 1;
  for (const std::string_view token : sorted_tokens(vocabulary)) {
    const size_t shared = common_prefix(token, previous);
    path.resize(shared + 1);
    // In this order a token follows its prefixes: the edge that it ends with is new.
    for (size_t at = shared; at < token.size(); ++at) {
      const bool ends = at + 1 == token.size();
      const uint32_t id = ends ? static_cast<uint32_t>(vocabulary.find(token)) : kNoToken;
      edges_.put(path.back(), static_cast<unsigned char>(token[at]), id, nodes);
      path.push_back(nodes++);
    }
    previous = token;
  }
}

}  // namespace distill
