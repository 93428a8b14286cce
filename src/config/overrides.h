// Overrides of the command line, applied to the YAML tree.
#pragma once

#include <string>

#include "config/yaml_tree.h"

namespace distill {

/// Puts `override` ("a.b.0.c=value"), the n-th of the command line counted from 1, into the tree.
/// Absent mappings and lists on the way are made; an index one past the end appends; a number that
/// gets a key of a schedule ("a.b.to=4") is its `from`. What cannot be done is added to `problems`
/// and changes nothing.
void apply_override(Node& root, const std::string& override, size_t n, Problems& problems);

}  // namespace distill
