// Training records that share runs of words with evaluation texts.
#pragma once

#include <cstdint>
#include <vector>

#include "distill/data/data_config.h"
#include "distill/data/dataset.h"

namespace distill {

/// Looks every training record up in the texts of the evaluation records, template aside
/// (`Formatter::plain_text`, `NgramIndex`), and warns of what is found. Takes the found ones out
/// where data.contamination says drop, and returns their number. Throws DataError that names the
/// first where it says error, for an evaluation record that cannot be read (but for on_bad_record:
/// skip), and where no evaluation text is left.
int64_t check_contamination(std::vector<Dataset::Source>& train,
                            const std::vector<Dataset::Source>& evaluation,
                            const DataConfig& config, int threads);

}  // namespace distill
