#include "text/tokenizer/string_table.h"

#include <functional>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr size_t kInitialSlots = 1 << 10;
constexpr uint32_t kNumberMask = (1 << 24) - 1;

size_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }
uint32_t tag_of(size_t hash) { return static_cast<uint32_t>(hash >> 32) & ~kNumberMask; }

}  // namespace

size_t StringTable::slot_of(std::string_view text, size_t hash) const {
  const size_t mask = slots_.size() - 1;
  const uint32_t tag = tag_of(hash);
  for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    const uint32_t entry = slots_[slot];
    if (entry == 0) return slot;
    if ((entry & ~kNumberMask) == tag && (*this)[(entry & kNumberMask) - 1] == text) return slot;
  }
}

std::pair<uint32_t, bool> StringTable::insert(std::string_view text) {
  const size_t hash = hash_of(text);
  const size_t slot = slot_of(text, hash);
  if (slots_[slot] != 0) return {(slots_[slot] & kNumberMask) - 1, false};
  if (size() == kMaxStrings || arena_.size() + text.size() >= UINT32_MAX) {
    throw DataError("too many strings for one table");
  }
  arena_.append(text);
  ends_.push_back(static_cast<uint32_t>(arena_.size()));
  slots_[slot] = tag_of(hash) | size();
  if (size_t{size()} * 2 > slots_.size()) grow();
  return {size() - 1, true};
}

uint32_t StringTable::find(std::string_view text) const {
  const uint32_t entry = slots_[slot_of(text, hash_of(text))];
  return entry == 0 ? kAbsent : (entry & kNumberMask) - 1;
}

void StringTable::grow() {
  slots_.assign(slots_.size() * 2, 0);
  const size_t mask = slots_.size() - 1;
  for (uint32_t number = 0; number < size(); ++number) {
    const size_t hash = hash_of((*this)[number]);
    size_t slot = hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = tag_of(hash) | (number + 1);
  }
}

void StringTable::clear() {
  arena_.clear();
  ends_.assign(1, 0);
  slots_.assign(kInitialSlots, 0);
}

}  // namespace distill
