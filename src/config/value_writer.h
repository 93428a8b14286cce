// From the typed value of a field to YAML and to words for documentation.
#pragma once

#include <string>
#include <string_view>

#include "config/section_backend.h"

namespace distill {

/// The value on one line of YAML; reading it again gives the same value. Numbers have the shortest
/// digits that do, in a form that YAML 1.1 readers take for a number, too.
std::string to_yaml(const FieldValue& value);

/// A string as YAML: as it is where that is safe, else in double quotes.
std::string yaml_string(std::string_view text);

/// "> 0 and <= 1"; empty where any number will do.
std::string range_text(const Field& field);

/// "number > 0", "integer or null", "list of strings", "one of a, b".
std::string type_text(const FieldValue& value, const Field& field);

}  // namespace distill
