// Filters: `value | name(arguments)`.
#pragma once

#include <string_view>

#include "text/jinja/value.h"

namespace distill::jinja {

using FilterFunction = Value (*)(Interpreter& in, const Value& value, const CallArgs& args);

/// Null if there is none of that name.
FilterFunction find_filter(std::string_view name);

// The filters by their files; find_filter looks through all.
FilterFunction find_text_filter(std::string_view name);
FilterFunction find_number_filter(std::string_view name);
FilterFunction find_list_filter(std::string_view name);
FilterFunction find_selection_filter(std::string_view name);

/// One row of a table of filters.
struct NamedFilter {
  std::string_view name;
  FilterFunction filter;
};

template <typename Table>
FilterFunction find_in(const Table& table, std::string_view name) {
  for (const NamedFilter& entry : table) {
    if (entry.name == name) return entry.filter;
  }
  return nullptr;
}

/// What a filter's `attribute` argument selects: "a.b.0", or an index. Without one, the value
/// itself.
class AttributePath {
 public:
  explicit AttributePath(const Value& attribute);
  Value get(Interpreter& in, const Value& value, const Value* fallback = nullptr) const;

 private:
  std::vector<Value> parts_;
};

}  // namespace distill::jinja
