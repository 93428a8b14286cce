#include "distill/config/yaml_text.h"

#include "config/yaml_tree.h"

namespace distill {
namespace {

void write_string(const std::string& text, std::string& json) {
  constexpr char kDigits[] = "0123456789abcdef";
  json += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      json += std::string("\\u00") + kDigits[byte >> 4] + kDigits[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  json += '"';
}

void write_node(const Node& node, std::string& json) {
  const bool is_mapping = node.kind == Node::Kind::kMapping;
  if (node.kind == Node::Kind::kScalar) {
    write_string(node.text, json);
  } else if (is_mapping || node.kind == Node::Kind::kList) {
    json += is_mapping ? '{' : '[';
    for (const Node& child : node.children) {
      if (&child != &node.children.front()) json += ',';
      if (is_mapping) {
        write_string(child.key, json);
        json += ':';
      }
      write_node(child, json);
    }
    json += is_mapping ? '}' : ']';
  } else {
    json += "null";
  }
}

}  // namespace

std::string yaml_to_json(const std::string& text, const std::string& name) {
  Problems problems(name);
  const Node root = parse_yaml(text, 0, "", problems);
  problems.raise_if_any();
  std::string json;
  write_node(root, json);
  return json;
}

}  // namespace distill
