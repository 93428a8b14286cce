// The order of one epoch.
#pragma once

#include <vector>

#include "distill/data/dataset.h"

namespace distill {

/// The records that an epoch takes of one source: whole passes, and for the rest records that are
/// drawn with `seed`, each part in file order.
std::vector<uint32_t> epoch_records(const Dataset::Source& source, uint64_t seed);

/// Merges the sources' samples, each in its order, so that every stretch of the result has them in
/// proportion to their numbers.
std::vector<Dataset::Sample> interleave(const std::vector<std::vector<Dataset::Sample>>& parts);

}  // namespace distill
