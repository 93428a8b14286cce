// A held-out evaluation as the log, events.jsonl and train.metric_for_best_model see it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "distill/eval/fidelity.h"
#include "distill/io/json.h"

namespace distill {

Json evaluation_event(const Fidelity& fidelity, int64_t step);
std::string evaluation_line(const Fidelity& fidelity, int64_t step);

/// A metric by its logged name. Throws ConfigError where it needs a teacher and there was none.
double evaluation_metric(const Fidelity& fidelity, const std::string& name);
/// Agreement should rise, all else fall; a value that is not finite is never better.
bool is_better_metric(double value, std::optional<double> best, const std::string& name);

/// Four significant digits.
std::string format_number(double value);

}  // namespace distill
