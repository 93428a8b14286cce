#include "data/token_cache.h"

#include "data/token_store.h"

namespace distill {
namespace {

constexpr size_t kOverhead = 64;  // of an entry, about

}  // namespace

std::optional<Document> TokenCache::find(uint64_t key) const {
  const std::lock_guard lock(mutex_);
  const auto found = documents_.find(key);
  if (found == documents_.end()) return std::nullopt;
  return document_of(found->second);
}

void TokenCache::add(uint64_t key, const Document& document) {
  std::optional<std::vector<uint32_t>> compact = compact_tokens(document);
  if (!compact) return;
  const size_t cost = compact->size() * sizeof(uint32_t) + kOverhead;
  const std::lock_guard lock(mutex_);
  if (bytes_ + cost > max_bytes_) return;
  if (documents_.emplace(key, std::move(*compact)).second) bytes_ += cost;
}

}  // namespace distill
