// One look at every record of some sources, before training.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "distill/data/dataset.h"

namespace distill {

/// Calls `visit` for each record that can be read, with the numbers of its source and of its place
/// among the source's records; from several threads at a time. The records are in memory only
/// while they are visited. `what` stands before the progress. A stop that was asked for ends it.
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
