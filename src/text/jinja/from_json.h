// JSON to values.
#pragma once

#include "distill/io/json.h"
#include "text/jinja/value.h"

namespace distill::jinja {

/// Throws Fault for integers beyond 64 bits, broken UTF-8 and too deep nesting.
Value from_json(const Json& json);

}  // namespace distill::jinja
