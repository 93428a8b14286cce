#include "data/record_pass.h"

#include <algorithm>
#include <optional>

#include "data/parallel.h"
#include "distill/core/error.h"
#include "distill/core/progress.h"
#include "distill/core/signals.h"

namespace distill {
namespace {

constexpr size_t kTogether = 4096;

std::optional<Json> try_read(const RecordSet& set, size_t record) {
  try {
    return set.read(record);
  } catch (const DataError&) {
    return std::nullopt;  // on_bad_record says what becomes of it, where it is used
  }
}

}  // namespace

void visit_records(const std::vector<Dataset::Source>& sources, int threads,
                   const std::string& what,
                   const std::function<void(size_t, size_t, const Json&)>& visit) {
  int64_t total = 0;
  for (const Dataset::Source& source : sources) {
    total += static_cast<int64_t>(source.records.size());
  }
  ProgressLine line(what, 0, total);
  int64_t done = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::vector<uint32_t>& records = sources[i].records;
    for (size_t begin = 0; begin < records.size(); begin += kTogether) {
      const size_t count = std::min(kTogether, records.size() - begin);
      parallel_for_each(count, threads, [&](size_t k) {
        const auto record = try_read(*sources[i].set, records[begin + k]);
        if (record) visit(i, begin + k, *record);
      });
      sources[i].set->release();
      throw_if_stopped();
      done += static_cast<int64_t>(count);
      line.update(done, "records");
    }
  }
}

int64_t remove_records(std::vector<Dataset::Source>& sources,
                       const std::vector<std::vector<char>>& removed) {
  int64_t count = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    std::vector<uint32_t> kept;
    for (size_t at = 0; at < sources[i].records.size(); ++at) {
      if (removed[i][at] == 0) kept.push_back(sources[i].records[at]);
    }
    count += static_cast<int64_t>(sources[i].records.size() - kept.size());
    sources[i].records = std::move(kept);
  }
  return count;
}

std::vector<std::vector<char>> record_marks(const std::vector<Dataset::Source>& sources) {
  std::vector<std::vector<char>> marks;
  for (const Dataset::Source& source : sources) marks.emplace_back(source.records.size());
  return marks;
}

}  // namespace distill
