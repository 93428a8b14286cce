// YAML that others wrote, such as the front matter of a dataset's README: not a configuration, so
// nothing is known of its keys.
#pragma once

#include <string>

namespace distill {

/// The document as JSON, with every scalar as a string: what it would mean is the reader's to say.
/// Empty values are null. Throws ConfigError ("name:line:column: what") as ConfigFile does.
std::string yaml_to_json(const std::string& text, const std::string& name);

}  // namespace distill
