// Methods of strings, lists, tuples and dicts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "text/jinja/value.h"

namespace distill::jinja {

using Method = Value (*)(Interpreter& in, const Value& self, const CallArgs& args);

/// The method bound to its object; nothing if Python has no such method. What changes a list or a
/// dict is undefined (the sandbox forbids it); what is not supported is refused when it is called.
std::optional<Value> find_method(const Value& object, const std::string& name);

/// Methods of strings; null if not supported.
Method find_string_method(const std::string& name);
/// Those that look for text in text.
Method find_search_method(const std::string& name);

/// One row of a table of methods.
struct NamedMethod {
  std::string_view name;
  Method method;
};

template <typename Table>
Method find_method_in(const Table& table, const std::string& name) {
  for (const NamedMethod& entry : table) {
    if (entry.name == name) return entry.method;
  }
  return nullptr;
}

/// A string that is markup when the receiver is.
inline Value like(const Value& self, std::string text) {
  return Value::string(std::move(text), self.as_text().markup);
}

/// str.replace; a negative count replaces all.
std::string replace_all(const std::string& text, const std::string& old, const std::string& fresh,
                        int64_t count);

}  // namespace distill::jinja
