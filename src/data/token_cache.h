// Tokenised records kept in memory: 4 bytes a token, up to a limit.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "distill/flow/batch.h"

namespace distill {

/// Safe to share between threads. What does not fit is tokenised again when it is asked for.
class TokenCache {
 public:
  explicit TokenCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Tokens and targets; the sample is empty.
  std::optional<Document> find(uint64_t key) const;
  void add(uint64_t key, const Document& document);

 private:
  mutable std::mutex mutex_;
  size_t max_bytes_;
  size_t bytes_ = 0;
  std::unordered_map<uint64_t, std::vector<uint32_t>> documents_;  // compact
};

}  // namespace distill
