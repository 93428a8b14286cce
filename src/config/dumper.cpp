#include "config/dumper.h"

#include <algorithm>

#include "config/value_writer.h"

namespace distill {
namespace {

constexpr size_t kStep = 2;

bool from_command_line(const Node& node) {
  return node.place.argument > 0 ||
         std::any_of(node.children.begin(), node.children.end(), from_command_line);
}

std::string origin(const Node* node) {
  if (node == nullptr) return "  # default\n";
  const bool overridden = from_command_line(*node);
  std::string text = "  # ";
  if (node->place.argument == 0) {
    text += "line " + std::to_string(node->place.line) + (overridden ? ", " : "");
  }
  return text + (overridden ? "command line\n" : "\n");
}

}  // namespace

void Dumper::field(std::string_view key, FieldValue value, const Field&) {
  line(key, to_yaml(value));
}

void Dumper::nested(std::string_view key, const Field&, const Visit& visit) {
  std::string body;
  Dumper inner(body, find(key), indent_ + kStep);
  Section section(inner);
  visit(section);
  if (body.empty()) return line(key, "{}");
  start(key);
  text_ += '\n' + body;
}

void Dumper::nested_optional(std::string_view key, const Field& field, bool present,
                             const std::function<void(bool)>&, const Visit& visit) {
  present ? nested(key, field, visit) : line(key, "null");
}

void Dumper::nested_list(std::string_view key, const Field&, size_t size,
                         const std::function<void(size_t)>&,
                         const std::function<void(size_t, Section&)>& visit) {
  if (size == 0) return line(key, "[]");
  start(key);
  text_ += '\n';
  const Node* list = find(key);
  for (size_t i = 0; i < size; ++i) {
    const Node* item = list && i < list->children.size() ? &list->children[i] : nullptr;
    std::string body;
    Dumper inner(body, item, indent_ + 2 * kStep);
    Section section(inner);
    visit(i, section);
    if (body.empty()) body = std::string(indent_ + 2 * kStep, ' ') + "{}" + origin(item);
    body[indent_ + kStep] = '-';
    text_ += body;
  }
}

bool Dumper::type_field(std::string& type, const std::vector<RegistryEntry>& entries,
                        const Field&) {
  line("type", yaml_string(type));
  return std::any_of(entries.begin(), entries.end(),
                     [&type](const RegistryEntry& entry) { return entry.name == type; });
}

void Dumper::line(std::string_view key, const std::string& value) {
  start(key);
  text_ += ' ' + value + origin(find(key));
}

void Dumper::start(std::string_view key) {
  text_ += std::string(indent_, ' ') + yaml_string(key) + ':';
}

}  // namespace distill
