#include "data/token_cache.h"

namespace distill {
namespace {

constexpr uint32_t kTarget = uint32_t{1} << 31;
constexpr size_t kOverhead = 64;  // of an entry, about

}  // namespace

std::optional<Document> TokenCache::find(uint64_t key) const {
  const std::lock_guard lock(mutex_);
  const auto found = documents_.find(key);
  if (found == documents_.end()) return std::nullopt;
  Document document;
  document.tokens.reserve(found->second.size());
  document.is_target.reserve(found->second.size());
  for (const uint32_t token : found->second) {
    document.tokens.push_back(token & ~kTarget);
    document.is_target.push_back((token & kTarget) != 0);
  }
  return document;
}

void TokenCache::add(uint64_t key, const Document& document) {
  const size_t size = document.tokens.size();
  const size_t cost = size * sizeof(uint32_t) + kOverhead;
  std::vector<uint32_t> compact(size);
  for (size_t i = 0; i < size; ++i) {
    if (document.tokens[i] < 0 || document.tokens[i] >= int64_t{kTarget}) return;
    compact[i] = static_cast<uint32_t>(document.tokens[i]) | (document.is_target[i] ? kTarget : 0);
  }
  const std::lock_guard lock(mutex_);
  if (bytes_ + cost > max_bytes_) return;
  if (documents_.emplace(key, std::move(compact)).second) bytes_ += cost;
}

}  // namespace distill
