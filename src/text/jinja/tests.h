// Tests: `value is name(arguments)`.
#pragma once

#include <string_view>

#include "text/jinja/value.h"

namespace distill::jinja {

using TestFunction = bool (*)(Interpreter& in, const Value& value, const CallArgs& args);

/// Null if there is none of that name.
TestFunction find_test(std::string_view name);

}  // namespace distill::jinja
