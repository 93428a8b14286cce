// Methods of strings, lists, tuples and dicts.
#pragma once

#include <optional>
#include <string>

#include "text/jinja/value.h"

namespace distill::jinja {

using Method = Value (*)(Interpreter& in, const Value& self, const CallArgs& args);

/// The method bound to its object; nothing if Python has no such method. What changes a list or a
/// dict is undefined (the sandbox forbids it); what is not supported is refused when it is called.
std::optional<Value> find_method(const Value& object, const std::string& name);

/// Null if not supported.
Method find_string_method(const std::string& name);

/// str.replace; a negative count replaces all.
std::string replace_all(const std::string& text, const std::string& old, const std::string& fresh,
                        int64_t count);

}  // namespace distill::jinja
