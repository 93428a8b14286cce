// From a node of the tree to the typed value of a field.
#pragma once

#include <string>

#include "config/section_backend.h"
#include "config/yaml_tree.h"

namespace distill {

/// Reads `node` into `value` and checks it against `field`. What is wrong is added to `problems`
/// and the value keeps what it holds. A Number is a plain one here: a mapping is the parser's.
void read_value(const Node& node, const std::string& path, const Field& field,
                const FieldValue& value, Problems& problems);

/// "expected one of a, b, found 'c'; did you mean 'a'?"
std::string not_one_of(const std::vector<std::string>& choices, const Node& found);

}  // namespace distill
