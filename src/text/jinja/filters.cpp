#include "text/jinja/filters.h"

#include <algorithm>
#include <charconv>

#include "text/jinja/operators.h"

namespace distill::jinja {

FilterFunction find_filter(std::string_view name) {
  for (const auto find :
       {find_text_filter, find_number_filter, find_list_filter, find_selection_filter}) {
    if (const FilterFunction filter = find(name)) return filter;
  }
  return nullptr;
}

AttributePath::AttributePath(const Value& attribute) {
  if (attribute.is_none()) return;
  if (!attribute.is_string()) {
    parts_.push_back(attribute);
    return;
  }
  const std::string& path = attribute.as_string();
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    int64_t index = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool digits = !part.empty() && part[0] != '-' && parsed.ec == std::errc() &&
                        parsed.ptr == part.data() + part.size();
    parts_.push_back(digits ? Value::integer(index) : Value::string(part));
    begin = end + 1;
  }
}

Value AttributePath::get(Interpreter& in, const Value& value, const Value* fallback) const {
  Value item = value;
  for (const Value& part : parts_) {
    item = get_item(in, item, part);
    if (item.is_undefined() && fallback != nullptr && !fallback->is_none()) item = *fallback;
  }
  return item;
}

}  // namespace distill::jinja
