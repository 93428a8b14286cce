// One look at every record of some sources, before training.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "distill/data/dataset.h"

namespace distill {

/// Records of a pass that are in memory at a time.
inline constexpr size_t kPassPiece = 4096;

/// Calls `visit(at)` for each of the records, from several threads at a time, and `done(end)` where
/// all before `end` are: every kPassPiece of them and at the end, from the calling thread. Before
/// each piece it throws DataError if a file has changed, after it Interrupted if a stop was asked
/// for; what was mapped for it leaves memory.
void pass_over(const RecordSet& set, std::span<const uint32_t> records, int threads,
               const std::function<void(size_t at)>& visit,
               const std::function<void(size_t end)>& done);

/// Calls `visit` for each record that can be read, with the numbers of its source and of its place
/// among the source's records; from several threads at a time. `what` stands before the progress.
/// Throws as `pass_over` does.
void visit_records(const std::vector<Dataset::Source>& sources, int threads,
                   const std::string& what,
                   const std::function<void(size_t source, size_t at, const Json& record)>& visit);

/// Takes records out of the sources: `removed` has for each source the marks of its records. Says
/// how many.
int64_t remove_records(std::vector<Dataset::Source>& sources,
                       const std::vector<std::vector<char>>& removed);

/// A mark, not set, for each record of each source.
std::vector<std::vector<char>> record_marks(const std::vector<Dataset::Source>& sources);

}  // namespace distill
