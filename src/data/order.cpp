#include "data/order.h"

#include <algorithm>
#include <cmath>

#include "distill/core/random.h"

namespace distill {
namespace {

/// `count` of the records, in file order.
std::vector<uint32_t> draw(std::vector<uint32_t> records, size_t count, uint64_t seed) {
  Random random(seed);
  for (size_t i = 0; i < count; ++i) {
    std::swap(records[i], records[i + random.below(records.size() - i)]);
  }
  records.resize(count);
  std::sort(records.begin(), records.end());
  return records;
}

}  // namespace

std::vector<uint32_t> epoch_records(const Dataset::Source& source, uint64_t seed) {
  const size_t size = source.records.size();
  if (size == 0) return {};
  auto passes = static_cast<size_t>(std::floor(source.weight));
  auto rest = static_cast<size_t>(
      std::llround((source.weight - std::floor(source.weight)) * static_cast<double>(size)));
  if (source.num_samples) {
    passes = static_cast<size_t>(*source.num_samples) / size;
    rest = static_cast<size_t>(*source.num_samples) % size;
  }
  std::vector<uint32_t> records;
  for (size_t pass = 0; pass < passes; ++pass) {
    records.insert(records.end(), source.records.begin(), source.records.end());
  }
  const std::vector<uint32_t> drawn = draw(source.records, rest, seed);
  records.insert(records.end(), drawn.begin(), drawn.end());
  return records;
}

std::vector<Dataset::Sample> interleave(const std::vector<std::vector<Dataset::Sample>>& parts) {
  size_t total = 0;
  for (const auto& part : parts) total += part.size();
  std::vector<size_t> next(parts.size());
  // The k-th of n samples stands in the middle of the k-th of n stretches of the epoch.
  const auto position = [&](size_t i) {
    return (static_cast<double>(next[i]) + 0.5) / static_cast<double>(parts[i].size());
  };
  std::vector<Dataset::Sample> samples;
  samples.reserve(total);
  while (samples.size() < total) {
    size_t first = parts.size();
    for (size_t i = 0; i < parts.size(); ++i) {
      if (next[i] == parts[i].size()) continue;
      if (first == parts.size() || position(i) < position(first)) first = i;
    }
    samples.push_back(parts[first][next[first]++]);
  }
  return samples;
}

}  // namespace distill
