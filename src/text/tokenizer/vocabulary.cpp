#include "text/tokenizer/vocabulary.h"

#include <string>

#include "distill/core/error.h"

namespace distill {

void Vocabulary::add(std::string_view token, int64_t id) { take(token, id, false); }

void Vocabulary::add_again(std::string_view token, int64_t id) { take(token, id, true); }

void Vocabulary::take(std::string_view token, int64_t id, bool may_repeat) {
  const auto quoted = [](std::string_view text) { return "\"" + std::string(text) + "\""; };
  if (id < 0 || id >= kMaxId) {
    throw DataError("token " + quoted(token) + " has the id " + std::to_string(id) +
                    ", expected 0 to " + std::to_string(kMaxId - 1));
  }
  const auto slot = static_cast<size_t>(id);
  if (slot >= numbers_.size()) numbers_.resize(slot + 1, StringTable::kAbsent);
  if (numbers_[slot] != StringTable::kAbsent) {
    throw DataError("tokens " + quoted(tokens_[numbers_[slot]]) + " and " + quoted(token) +
                    " have the same id " + std::to_string(id));
  }
  const auto [number, is_new] = tokens_.insert(token);
  if (!is_new && !may_repeat) throw DataError("token " + quoted(token) + " occurs twice");
  numbers_[slot] = number;
  ids_.resize(tokens_.size());
  ids_[number] = static_cast<int32_t>(id);
  ++count_;
}

std::optional<std::string_view> Vocabulary::token(int64_t id) const {
  if (id < 0 || id >= id_end()) return std::nullopt;
  const uint32_t number = numbers_[static_cast<size_t>(id)];
  if (number == StringTable::kAbsent) return std::nullopt;
  return tokens_[number];
}

void Vocabulary::hash_into(Hasher& hasher) const {
  for (int64_t id = 0; id < id_end(); ++id) {
    if (const auto text = token(id)) hasher.add(id).add(*text);
  }
}

}  // namespace distill
