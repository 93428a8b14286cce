// YAML text as a tree of plain values with places. The only file that yaml-cpp enters is
// yaml_tree.cpp.
//
// The tree is built from the parser's events, since yaml-cpp's own nodes hide duplicate keys and
// share aliased values. An alias is a copy here: an override changes one occurrence only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"

namespace distill {

struct Node {
  /// Broken: a problem was reported already, and nothing more is to be said of it.
  enum class Kind { kNull, kScalar, kList, kMapping, kBroken };

  Kind kind = Kind::kNull;
  Place place;            ///< of the value; of the key where the value is null
  std::string text = {};  ///< of a scalar
  bool quoted = false;    ///< of a scalar: text, whatever it looks like
  std::vector<Node> children = {};
  std::string key = {};  ///< in a mapping
  Place key_place = {};

  /// The child of a mapping, or null.
  const Node* find(std::string_view name) const;
  Node* find(std::string_view name);
};

/// What a message says was found: "a list", "null", "'abc'".
std::string describe(const Node& node);

/// The tree of `text`, whose places belong to `argument` (see Place) and whose paths start with
/// `path`. Text that is no single YAML document gives a broken root and a problem; duplicate keys,
/// merge keys, tags and aliases to themselves are problems, too. Aliases that would multiply
/// without bound are refused.
Node parse_yaml(const std::string& text, size_t argument, const std::string& path,
                Problems& problems);

}  // namespace distill
