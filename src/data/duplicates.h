// Exact duplicates among the records of a set.
#pragma once

#include <cstdint>
#include <vector>

#include "distill/data/dataset.h"

namespace distill {

/// Takes every record out whose content (`Formatter::content_key`) an earlier one has, across the
/// sources, and says how many. Reads all of them; keeps 24 bytes a record meanwhile. A record that
/// cannot be read stays: what becomes of it is on_bad_record's to say.
int64_t remove_duplicates(std::vector<Dataset::Source>& sources, int threads);

}  // namespace distill
