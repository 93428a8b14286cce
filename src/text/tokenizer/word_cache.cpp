#include "text/tokenizer/word_cache.h"

#include <atomic>
#include <memory>
#include <utility>

namespace distill {
namespace {

constexpr size_t kMaxModels = 4;  // a thread; a program rarely has more than two
constexpr size_t kMaxWords = 1 << 16;
constexpr size_t kMaxTokens = 1 << 20;

}  // namespace

WordCache& WordCache::of(uint64_t model) {
  thread_local std::vector<std::pair<uint64_t, std::unique_ptr<WordCache>>> caches;
  for (const auto& [owner, cache] : caches) {
    if (owner == model) return *cache;
  }
  if (caches.size() == kMaxModels) caches.erase(caches.begin());
  return *caches.emplace_back(model, std::make_unique<WordCache>()).second;
}

uint64_t WordCache::next_model() {
  static std::atomic<uint64_t> count{0};
  return ++count;
}

bool WordCache::get(std::string_view word, std::vector<ModelToken>& out) const {
  const uint32_t number = words_.find(word);
  if (number == StringTable::kAbsent) return false;
  const ModelToken* begin = tokens_.data() + (number == 0 ? 0 : ends_[number - 1]);
  out.insert(out.end(), begin, static_cast<const ModelToken*>(tokens_.data()) + ends_[number]);
  return true;
}

void WordCache::put(std::string_view word, const ModelToken* tokens, size_t count) {
  if (words_.size() == kMaxWords || tokens_.size() + count > kMaxTokens) {
    words_.clear();
    ends_.clear();
    tokens_.clear();
  }
  if (!words_.insert(word).second) return;
  tokens_.insert(tokens_.end(), tokens, tokens + count);
  ends_.push_back(static_cast<uint32_t>(tokens_.size()));
}

}  // namespace distill
