#include "data/duplicates.h"

#include <algorithm>
#include <mutex>

#include "data/record_pass.h"
#include "distill/core/error.h"

namespace distill {
namespace {

struct Entry {
  ContentKey key;
  uint32_t source;
  uint32_t at;
  auto operator<=>(const Entry&) const = default;
};

/// The keys of all records that can be read.
std::vector<Entry> read_keys(const std::vector<Dataset::Source>& sources, int threads) {
  std::vector<Entry> entries;
  std::mutex mutex;
  visit_records(sources, threads, "look for duplicates",
                [&](size_t source, size_t at, const Json& record) {
                  Entry entry = {{}, static_cast<uint32_t>(source), static_cast<uint32_t>(at)};
                  try {
                    entry.key = sources[source].formatter->content_key(record);
                  } catch (const DataError&) {
                    return;
                  }
                  const std::lock_guard lock(mutex);
                  entries.push_back(entry);
                });
  return entries;
}

}  // namespace

int64_t remove_duplicates(std::vector<Dataset::Source>& sources, int threads) {
  std::vector<Entry> entries = read_keys(sources, threads);
  std::sort(entries.begin(), entries.end());
  std::vector<std::vector<char>> removed = record_marks(sources);
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].key == entries[i - 1].key) removed[entries[i].source][entries[i].at] = 1;
  }
  return remove_records(sources, removed);
}

}  // namespace distill
