// The functions that every template may call.
#pragma once

#include <optional>
#include <string>

#include "text/jinja/value.h"

namespace distill::jinja {

/// range, dict, namespace, raise_exception, strftime_now; nothing for other names.
std::optional<Value> find_global(const std::string& name);
/// Names that Jinja defines and this engine does not.
bool is_unsupported_global(const std::string& name);

}  // namespace distill::jinja
