// Documents that are longer than max_length or teach nothing.
#pragma once

#include <vector>

#include "distill/data/data_config.h"
#include "distill/data/data_report.h"
#include "distill/flow/batch.h"

namespace distill {

/// Tokens that some token before them predicts.
int64_t count_targets(const Document& document);

/// The documents that a record gives, none longer than `max_length` and each with a target, with
/// their parts and content keys set. Every other outcome is counted in `report`.
std::vector<Document> fit(Document document, int64_t max_length, TooLong too_long,
                          DataReport& report);

}  // namespace distill
