// What a misspelt or foreign name was meant to be.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace distill {

/// The one of `choices` that `name` was meant to be: what other tools call so, or the nearest.
/// Empty when there is none.
std::string suggest_name(const std::string& name, const std::vector<std::string>& choices);

/// What an unknown key was meant to be. `siblings` are the keys of its own mapping, `schema` the
/// paths of all keys, list indices written as N. A path of the schema, a sibling's name, or empty.
std::string suggest_key(const std::string& key, const std::vector<std::string>& siblings,
                        const std::vector<std::string>& schema);

/// Keys of other tools, each with the path of ours. Only a path that the schema has is suggested.
const std::vector<std::pair<std::string, std::string>>& foreign_keys();

}  // namespace distill
