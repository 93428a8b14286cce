#include "text/tokenizer/added_tokens.h"

#include <algorithm>

#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

size_t previous_start(std::string_view text, size_t at) {
  do {
    --at;
  } while (at > 0 && is_utf8_continuation(text[at]));
  return at;
}

bool touches_word(std::string_view text, size_t begin, size_t end) {
  const bool before = begin > 0 && is_word(code_point_at(text, previous_start(text, begin)));
  return before || (end < text.size() && is_word(code_point_at(text, end)));
}

size_t skip_space_back(std::string_view text, size_t at) {
  while (at > 0) {
    const size_t previous = previous_start(text, at);
    if (!is_white_space(code_point_at(text, previous))) break;
    at = previous;
  }
  return at;
}

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size() && is_white_space(code_point_at(text, at))) at += utf8_length(text[at]);
  return at;
}

AddedToken parse_added_token(const Json& rules, const std::string& where) {
  if (!rules.is_object()) throw DataError(where + ": expected an object, found " + rules.dump());
  AddedToken token;
  const int64_t id = json_int(rules, "id", where);
  if (id < 0 || id >= Vocabulary::kMaxId) {
    throw DataError(where + ": id: found " + std::to_string(id) + ", expected 0 to " +
                    std::to_string(Vocabulary::kMaxId - 1));
  }
  token.id = static_cast<int32_t>(id);
  token.content = json_string(rules, "content", where);
  token.single_word = json_bool_or(rules, "single_word", false, where);
  token.lstrip = json_bool_or(rules, "lstrip", false, where);
  token.rstrip = json_bool_or(rules, "rstrip", false, where);
  token.special = json_bool_or(rules, "special", false, where);
  token.normalized = json_bool_or(rules, "normalized", !token.special, where);
  return token;
}

}  // namespace

void TokenFinder::add(std::string pattern, const AddedToken* token) {
  if (!pattern.empty()) entries_.push_back({std::move(pattern), token});
}

void TokenFinder::finish() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.pattern < b.pattern; });
  for (const Entry& entry : entries_) ++firsts_[static_cast<unsigned char>(entry.pattern[0]) + 1u];
  for (size_t byte = 1; byte < firsts_.size(); ++byte) firsts_[byte] += firsts_[byte - 1];
}

const TokenFinder::Entry* TokenFinder::longest_at(std::string_view text, size_t at) const {
  const auto first = static_cast<unsigned char>(text[at]);
  const Entry* low = entries_.data() + firsts_[first];
  const Entry* high = entries_.data() + firsts_[first + 1u];
  const Entry* longest = nullptr;
  // [low, high) are the patterns that start with the first `depth` bytes here; a pattern that ends
  // there comes first among them.
  for (size_t depth = 1; low < high; ++depth) {
    if (low->pattern.size() == depth) longest = low;
    while (low < high && low->pattern.size() == depth) ++low;
    if (at + depth == text.size()) break;
    const auto byte_at = [depth](const Entry& entry) {
      return static_cast<unsigned char>(entry.pattern[depth]);
    };
    const auto wanted = static_cast<unsigned char>(text[at + depth]);
    low = std::partition_point(low, high, [&](const Entry& e) { return byte_at(e) < wanted; });
    high = std::partition_point(low, high, [&](const Entry& e) { return byte_at(e) == wanted; });
  }
  return longest;
}

void TokenFinder::cut(std::string_view text, bool skip_special,
                      std::vector<AddedMatch>& out) const {
  size_t done = 0;
  for (size_t at = 0; !entries_.empty() && at < text.size();) {
    const Entry* entry = longest_at(text, at);
    if (entry == nullptr) {
      ++at;
      continue;
    }
    size_t begin = at;
    size_t end = at + entry->pattern.size();
    at = end;
    const AddedToken& token = *entry->token;
    if (skip_special && token.special) continue;
    if (token.single_word && touches_word(text, begin, end)) continue;
    if (begin < done) continue;  // begins in the white space that the one before took
    if (token.lstrip) begin = std::max(skip_space_back(text, begin), done);
    if (token.rstrip) end = skip_space(text, end);
    if (done < begin) out.push_back({done, begin, nullptr});
    out.push_back({begin, end, &token});
    done = end;
  }
  if (done < text.size()) out.push_back({done, text.size(), nullptr});
}

AddedTokens::AddedTokens(const Json& rules, const Vocabulary& vocabulary,
                         const Normalizer* normalizer, const std::string& where) {
  if (!rules.is_array()) throw DataError(where + ": expected a list, found " + rules.dump());
  int64_t next_id = vocabulary.size();
  for (const Json& entry : rules) {
    AddedToken token = parse_added_token(entry, where);
    if (token.content.empty()) continue;
    const int32_t known = vocabulary.find(token.content);
    const AddedToken* twin = find(token.content);
    const int64_t id = twin != nullptr ? twin->id : known >= 0 ? known : next_id++;
    if (id != token.id) {
      throw DataError(where + ": \"" + token.content + "\" has the id " + std::to_string(token.id) +
                      ", but its place is " + std::to_string(id) +
                      (known >= 0 ? " as in the vocabulary" : " behind the vocabulary"));
    }
    by_content_.insert_or_assign(token.content, token);
  }
  for (const auto& [content, token] : by_content_) {
    by_id_[token.id] = &token;
    if (!token.normalized) {
      in_source_.add(content, &token);
    } else if (normalizer == nullptr) {
      in_normalized_.add(content, &token);
    } else {
      in_normalized_.add(normalizer->apply(AlignedText(content, 0, content.size())).text(), &token);
    }
  }
  in_source_.finish();
  in_normalized_.finish();
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto found = by_content_.find(content);
  return found == by_content_.end() ? nullptr : &found->second;
}

const AddedToken* AddedTokens::find(int64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

}  // namespace distill
