#include "config/parser.h"

#include <algorithm>

#include "config/value_reader.h"

namespace distill {

void Parser::parse(const Visit& visit) {
  Section section(*this);
  visit(section);
  if (mapping_ == nullptr || any_key_) return;
  for (const Node& child : mapping_->children) {
    if (std::find(known_.begin(), known_.end(), child.key) != known_.end()) continue;
    findings_.unknown_keys.push_back(
        {child.key_place, join_path(path_, child.key), child.key, known_});
  }
}

void Parser::field(std::string_view key, FieldValue value, const Field& field) {
  const Node* node = take(key, field.required);
  if (!node) return;
  const std::string path = join_path(path_, key);
  Number* const* number = std::get_if<Number*>(&value);
  if (number && node->kind == Node::Kind::kMapping) {
    return parse_mapping(*node, path,
                         [&](Section& section) { (*number)->schedule(section, field); });
  }
  read_value(*node, path, field, value, findings_.problems);
}

void Parser::nested(std::string_view key, const Field& field, const Visit& visit) {
  const Node* node = take(key, field.required);
  const std::string path = join_path(path_, key);
  if (node) return parse_mapping(*node, path, visit);
  if (!field.required) Parser(findings_, nullptr, place_, path).parse(visit);
}

void Parser::nested_optional(std::string_view key, const Field& field, bool present,
                             const std::function<void(bool)>& assign, const Visit& visit) {
  const Node* node = find(key);
  if (node && node->kind == Node::Kind::kNull) {
    known_.emplace_back(key);
    assign(false);
  } else if (node || present) {
    if (!present) assign(true);
    nested(key, field, visit);
  } else {
    take(key, field.required);
  }
}

void Parser::nested_list(std::string_view key, const Field& field, size_t,
                         const std::function<void(size_t)>& resize,
                         const std::function<void(size_t, Section&)>& visit) {
  const Node* node = take(key, field.required);
  const std::string path = join_path(path_, key);
  if (!node || !is(*node, Node::Kind::kList, path, "a list of mappings")) return;
  resize(0);
  resize(node->children.size());
  for (size_t i = 0; i < node->children.size(); ++i) {
    parse_mapping(node->children[i], join_path(path, std::to_string(i)),
                  [&](Section& section) { visit(i, section); });
  }
}

bool Parser::type_field(std::string& type, const std::vector<RegistryEntry>& entries,
                        const Field& field) {
  std::vector<std::string> names;
  for (const RegistryEntry& entry : entries) names.push_back(entry.name);
  const Node* node = take("type", field.required || type.empty(), ", one of " + join_names(names));
  any_key_ = true;
  if (!node && type.empty()) return false;
  if (node) {
    const std::string path = join_path(path_, "type");
    if (!is(*node, Node::Kind::kScalar, path, "one of " + join_names(names))) return false;
    if (std::find(names.begin(), names.end(), node->text) == names.end()) {
      findings_.problems.add(node->place, path, not_one_of(names, *node));
      return false;
    }
    type = node->text;
  }
  any_key_ = false;
  return true;
}

bool Parser::has(std::string_view key) const {
  const Node* node = find(key);
  return node && node->kind != Node::Kind::kNull;
}

void Parser::problem(std::string_view key, const std::string& what) {
  const Node* node = find(key);
  const Place& place = node ? node->place : place_;
  findings_.problems.add(place, key.empty() ? path_ : join_path(path_, key), what);
}

const Node* Parser::take(std::string_view key, bool required, const std::string& expected) {
  known_.emplace_back(key);
  const Node* node = find(key);
  if (!node && required) {
    findings_.problems.add(place_, join_path(path_, key), "missing required key" + expected);
  }
  return node;
}

bool Parser::is(const Node& node, Node::Kind kind, const std::string& path,
                const std::string& expected) {
  if (node.kind != kind && node.kind != Node::Kind::kBroken) {
    findings_.problems.add(node.place, path, "expected " + expected + ", found " + describe(node));
  }
  return node.kind == kind;
}

void Parser::parse_mapping(const Node& node, const std::string& path, const Visit& visit) {
  if (!is(node, Node::Kind::kMapping, path, "a mapping")) return;
  Parser(findings_, &node, node.place, path).parse(visit);
}

}  // namespace distill
