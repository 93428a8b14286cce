#include "config/overrides.h"

#include <charconv>
#include <optional>

namespace distill {
namespace {

// The names between the dots; none if one of them is empty.
std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> names;
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('.', start), path.size());
    if (end == start) return {};
    names.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

std::optional<size_t> parse_index(const std::string& name) {
  size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return index;
}

bool is_plain_number(const Node& node) {
  if (node.kind != Node::Kind::kScalar || node.quoted) return false;
  double value = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto result = std::from_chars(node.text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

bool is_schedule_key(const std::string& name) {
  return name == "from" || name == "to" || name == "over" || name == "shape";
}

class Overrider {
 public:
  Overrider(Place place, Problems& problems) : place_(place), problems_(problems) {}

  // Follows `names` from `node` and puts `value` at their end. What is made on the way is attached
  // only after the rest of the path was good.
  bool put(Node& node, const std::string* names, size_t count, const std::string& path,
           Node value) {
    if (count == 0) {
      value.key = node.key;
      value.key_place = node.key_place;
      node = std::move(value);
      return true;
    }
    const std::string& name = names[0];
    const std::string inner_path = join_path(path, name);
    Node made{.kind = Node::Kind::kNull, .place = place_, .key = name, .key_place = place_};
    if (node.kind == Node::Kind::kNull) {
      node.kind = parse_index(name) ? Node::Kind::kList : Node::Kind::kMapping;
      node.place = place_;
    }
    if (count == 1 && is_schedule_key(name) && is_plain_number(node)) start_schedule(node);
    Node* child = nullptr;
    if (node.kind == Node::Kind::kMapping) {
      child = node.find(name);
    } else if (node.kind == Node::Kind::kList) {
      const std::optional<size_t> index = list_index(node, name, path, inner_path);
      if (!index) return false;
      if (*index < node.children.size()) child = &node.children[*index];
      made.key.clear();
    } else {
      return fail(inner_path, path + " is " + describe(node) + ", which has no keys");
    }
    if (child) return put(*child, names + 1, count - 1, inner_path, std::move(value));
    if (!put(made, names + 1, count - 1, inner_path, std::move(value))) return false;
    node.children.push_back(std::move(made));
    return true;
  }

 private:
  // A number becomes the schedule that starts at it.
  void start_schedule(Node& number) const {
    Node from{.kind = number.kind,
              .place = number.place,
              .text = std::move(number.text),
              .key = "from",
              .key_place = number.place};
    number.kind = Node::Kind::kMapping;
    number.place = place_;
    number.text.clear();
    number.children = {std::move(from)};
  }

  std::optional<size_t> list_index(const Node& list, const std::string& name,
                                   const std::string& path, const std::string& inner_path) {
    const std::optional<size_t> index = parse_index(name);
    const size_t size = list.children.size();
    if (index && *index <= size) return index;
    fail(inner_path, path + " is a list of " + std::to_string(size) +
                         ", expected an index from 0 to " + std::to_string(size) + ", found " +
                         in_quotes(name));
    return std::nullopt;
  }

  bool fail(const std::string& path, std::string what) {
    problems_.add(place_, path, std::move(what));
    return false;
  }

  Place place_;
  Problems& problems_;
};

}  // namespace

void apply_override(Node& root, const std::string& override, size_t n, Problems& problems) {
  const Place place{.argument = n};
  const size_t equals = override.find('=');
  const std::string path = override.substr(0, equals);
  const std::vector<std::string> names = split_path(path);
  if (equals == std::string::npos || names.empty()) {
    problems.add(place, "", "expected key.path=value, found " + in_quotes(override));
    return;
  }
  Node value = parse_yaml(override.substr(equals + 1), n, path, problems);
  if (value.kind == Node::Kind::kBroken) return;
  Overrider(place, problems).put(root, names.data(), names.size(), "", std::move(value));
}

}  // namespace distill
