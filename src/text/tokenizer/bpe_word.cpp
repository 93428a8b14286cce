#include "text/tokenizer/bpe_word.h"

#include <algorithm>

namespace distill {

void BpeWord::add(int32_t id, size_t bytes) {
  const auto position = static_cast<int32_t>(symbols_.size());
  if (position > 0) symbols_.back().next = position;
  symbols_.push_back({id, static_cast<uint32_t>(bytes), position - 1, -1});
}

void BpeWord::merge(const MergeTable& merges) {
  candidates_.clear();
  for (size_t i = 0; i + 1 < symbols_.size(); ++i) consider(merges, i);
  std::make_heap(candidates_.begin(), candidates_.end());
  while (!candidates_.empty()) {
    std::pop_heap(candidates_.begin(), candidates_.end());
    const Candidate best = candidates_.back();
    candidates_.pop_back();
    Symbol& left = symbols_[best.position];
    if (left.bytes == 0 || left.next < 0) continue;
    Symbol& right = symbols_[static_cast<size_t>(left.next)];
    const MergeTable::Merge* merge = merges.find(left.id, right.id);
    if (merge == nullptr || merge->id != best.id) continue;  // a neighbour has merged since
    left.id = best.id;
    left.bytes += right.bytes;
    left.next = right.next;
    right.bytes = 0;
    if (left.next >= 0) {
      symbols_[static_cast<size_t>(left.next)].previous = static_cast<int32_t>(best.position);
    }
    if (left.previous >= 0) push(merges, static_cast<size_t>(left.previous));
    push(merges, best.position);
  }
}

void BpeWord::append_to(std::vector<ModelToken>& out) const {
  for (const Symbol& symbol : symbols_) {
    if (symbol.bytes > 0) out.push_back({symbol.id, symbol.bytes});
  }
}

bool BpeWord::consider(const MergeTable& merges, size_t position) {
  const Symbol& left = symbols_[position];
  if (left.next < 0) return false;
  const auto* merge = merges.find(left.id, symbols_[static_cast<size_t>(left.next)].id);
  if (merge == nullptr) return false;
  candidates_.push_back({merge->rank, static_cast<uint32_t>(position), merge->id});
  return true;
}

void BpeWord::push(const MergeTable& merges, size_t position) {
  if (consider(merges, position)) std::push_heap(candidates_.begin(), candidates_.end());
}

}  // namespace distill
