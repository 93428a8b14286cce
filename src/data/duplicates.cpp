#include "data/duplicates.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>

#include "data/parallel.h"
#include "distill/core/error.h"
#include "distill/core/progress.h"

namespace distill {
namespace {

struct Entry {
  ContentKey key;
  uint32_t source;
  uint32_t record;
  auto operator<=>(const Entry&) const = default;
};

std::optional<ContentKey> key_of(const Dataset::Source& source, uint32_t record) {
  try {
    return source.formatter->content_key(source.set->read(record));
  } catch (const DataError&) {
    return std::nullopt;
  }
}

/// The keys of all records that can be read.
std::vector<Entry> read_keys(const std::vector<Dataset::Source>& sources, int threads) {
  constexpr size_t kTogether = 4096;
  int64_t total = 0;
  for (const Dataset::Source& source : sources) {
    total += static_cast<int64_t>(source.records.size());
  }
  ProgressLine line("look for duplicates", 0, total);
  std::vector<Entry> entries;
  entries.reserve(static_cast<size_t>(total));
  int64_t done = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::vector<uint32_t>& records = sources[i].records;
    for (size_t begin = 0; begin < records.size(); begin += kTogether) {
      std::vector<std::optional<ContentKey>> keys(std::min(kTogether, records.size() - begin));
      parallel_for_each(keys.size(), threads,
                        [&](size_t k) { keys[k] = key_of(sources[i], records[begin + k]); });
      for (size_t k = 0; k < keys.size(); ++k) {
        if (keys[k]) entries.push_back({*keys[k], static_cast<uint32_t>(i), records[begin + k]});
      }
      done += static_cast<int64_t>(keys.size());
      line.update(done, "");
    }
  }
  return entries;
}

}  // namespace

int64_t remove_duplicates(std::vector<Dataset::Source>& sources, int threads) {
  std::vector<Entry> entries = read_keys(sources, threads);
  std::sort(entries.begin(), entries.end());
  std::vector<std::vector<uint32_t>> removed(sources.size());
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].key == entries[i - 1].key) {
      removed[entries[i].source].push_back(entries[i].record);
    }
  }
  int64_t count = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    std::sort(removed[i].begin(), removed[i].end());
    std::vector<uint32_t> kept;
    std::set_difference(sources[i].records.begin(), sources[i].records.end(), removed[i].begin(),
                        removed[i].end(), std::back_inserter(kept));
    sources[i].records = std::move(kept);
    count += static_cast<int64_t>(removed[i].size());
  }
  return count;
}

}  // namespace distill
