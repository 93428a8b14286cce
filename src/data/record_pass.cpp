#include "data/record_pass.h"

#include <algorithm>
#include <optional>

#include "data/parallel.h"
#include "distill/core/error.h"
#include "distill/core/progress.h"
#include "distill/core/signals.h"

namespace distill {
namespace {

std::optional<Json> try_read(const RecordSet& set, size_t record) {
  try {
    return set.read(record);
  } catch (const DataError&) {
    return std::nullopt;  // on_bad_record says what becomes of it, where it is used
  }
}

}  // namespace

void pass_over(const RecordSet& set, std::span<const uint32_t> records, int threads,
               const std::function<void(size_t)>& visit, const std::function<void(size_t)>& done) {
  for (size_t begin = 0; begin < records.size(); begin += kPassPiece) {
    const auto piece = records.subspan(begin, std::min(kPassPiece, records.size() - begin));
    set.require_unchanged(piece);
    parallel_for_each(piece.size(), threads, [&](size_t i) { visit(begin + i); });
    set.release();
    throw_if_stopped();
    done(begin + piece.size());
  }
}

void visit_records(const std::vector<Dataset::Source>& sources, int threads,
                   const std::string& what,
                   const std::function<void(size_t, size_t, const Json&)>& visit) {
  int64_t total = 0;
  for (const Dataset::Source& source : sources) {
    total += static_cast<int64_t>(source.records.size());
  }
  ProgressLine line(what, 0, total);
  int64_t before = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    const Dataset::Source& source = sources[i];
    const auto visit_one = [&](size_t at) {
      const auto record = try_read(*source.set, source.records[at]);
      if (record) visit(i, at, *record);
    };
    pass_over(*source.set, source.records, threads, visit_one,
              [&](size_t end) { line.update(before + static_cast<int64_t>(end), "records"); });
    before += static_cast<int64_t>(source.records.size());
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
