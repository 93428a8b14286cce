#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "config/text_check.h"

namespace distill {
namespace {

constexpr size_t kDeepest = 64;
// Values and characters that anchors and aliases may copy, all together.
constexpr size_t kMostCopied = 1 << 18;

// Ends the reading of a document.
struct Unreadable {
  Place place;
  std::string what;
};

size_t weight(const Node& node) {
  size_t sum = 1 + node.text.size() + node.key.size();
  for (const Node& child : node.children) sum += weight(child);
  return sum;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(size_t argument, std::string path, Problems& problems)
      : argument_(argument), base_path_(std::move(path)), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Unreadable{place(mark), "a second document starts here; one is read"};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(Node{.kind = Node::Kind::kNull, .place = place(mark)}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    const Place at = place(mark);
    add(Node{.kind = Node::Kind::kScalar, .place = at, .text = value, .quoted = tag == "!"},
        anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      problems_.add(place(mark), path(), "the alias stands inside the value that it names");
      add(Node{.kind = Node::Kind::kBroken, .place = place(mark)}, YAML::NullAnchor);
      return;
    }
    count_copy(found->second, place(mark));
    add(found->second, YAML::NullAnchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::kMapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  bool empty() const { return documents_ == 0; }
  Node take_root() { return std::move(root_); }
  Place place(const YAML::Mark& mark) const { return {argument_, mark.line + 1, mark.column + 1}; }
  /// Of the list or mapping that is not closed yet.
  const Node* innermost() const { return open_.empty() ? nullptr : &open_.back().node; }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor;
    bool key_read = false;  // of a mapping: the next event is the value
    bool key_good = false;
    std::string key = {};
    Place key_place = {};
    std::unordered_set<std::string> keys = {};
  };

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (open_.size() == kDeepest) {
      throw Unreadable{place(mark), "nested deeper than " + std::to_string(kDeepest) + " levels"};
    }
    open_.push_back({.node = {.kind = kind, .place = place(mark)}, .anchor = anchor});
  }

  void close() {
    Frame done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      count_copy(node, node.place);
      anchors_[anchor] = node;
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = open_.back();
    if (parent.node.kind == Node::Kind::kList) {
      parent.node.children.push_back(std::move(node));
    } else if (!parent.key_read) {
      read_key(parent, node);
    } else {
      parent.key_read = false;
      if (!parent.key_good) return;
      node.key = parent.key;
      node.key_place = parent.key_place;
      if (node.kind == Node::Kind::kNull) node.place = node.key_place;
      parent.node.children.push_back(std::move(node));
    }
  }

  void read_key(Frame& parent, const Node& node) {
    const std::string where = path();
    parent.key_read = true;
    parent.key_good = false;
    parent.key = node.text;
    parent.key_place = node.place;
    if (node.kind != Node::Kind::kScalar) {
      problems_.add(node.place, where, "a key must be a name, found " + describe(node));
    } else if (node.text == "<<" && !node.quoted) {
      problems_.add(node.place, where,
                    "merge keys ('<<') are not supported; write the keys out, or name a whole "
                    "value with an anchor");
    } else if (!parent.keys.insert(node.text).second) {
      const int line = parent.node.find(node.text)->key_place.line;
      problems_.add(
          node.place, join_path(where, node.text),
          argument_ > 0 ? "duplicate key" : "duplicate key, first on line " + std::to_string(line));
    } else {
      parent.key_good = true;
    }
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    problems_.add(place(mark), path(), "tags are not supported, found " + in_quotes(tag));
  }

  void count_copy(const Node& node, const Place& at) {
    copied_ += weight(node);
    if (copied_ > kMostCopied) throw Unreadable{at, "the aliases expand to too many values"};
  }

  // Of the value that is being read.
  std::string path() const {
    std::string path = base_path_;
    for (const Frame& frame : open_) {
      if (frame.node.kind == Node::Kind::kList) {
        path = join_path(path, std::to_string(frame.node.children.size()));
      } else if (frame.key_read) {
        path = join_path(path, frame.key);
      }
    }
    return path;
  }

  const size_t argument_;
  const std::string base_path_;
  Problems& problems_;
  Node root_;
  std::vector<Frame> open_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;
  size_t copied_ = 0;
  int documents_ = 0;
};

Unreadable explain(const YAML::Exception& error, const std::string& text,
                   const TreeBuilder& builder) {
  // What is not closed shows at the end of the text, where yaml-cpp's mark is the end or the start.
  const size_t end = text.find_last_not_of(" \n\r\t") + 1;
  const bool at_end = error.mark.pos <= 0 || static_cast<size_t>(error.mark.pos) >= end;
  const bool unclosed = at_end && builder.innermost() != nullptr;
  Place place = unclosed ? builder.innermost()->place : builder.place(error.mark);
  const int tab = unclosed ? 0 : tab_in_indent(text, place.line);
  if (tab > 0) {
    place.column = tab;
    return {place, "not valid YAML: a tab indents this line; use spaces"};
  }
  return {place, "not valid YAML: " + error.msg};
}

}  // namespace

const Node* Node::find(std::string_view name) const {
  if (kind != Kind::kMapping) return nullptr;
  for (const Node& child : children) {
    if (child.key == name) return &child;
  }
  return nullptr;
}

Node* Node::find(std::string_view name) {
  return const_cast<Node*>(static_cast<const Node*>(this)->find(name));
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMapping:
      return "a mapping";
    case Node::Kind::kScalar:
      return in_quotes(node.text);
    case Node::Kind::kBroken:
      break;
  }
  return "a broken value";
}

Node parse_yaml(const std::string& text, size_t argument, const std::string& path,
                Problems& problems) {
  TreeBuilder builder(argument, path, problems);
  const auto broken = [&](const Unreadable& why) {
    problems.add(why.place, path, why.what);
    return Node{.kind = Node::Kind::kBroken, .place = why.place};
  };
  if (const auto bad = find_bad_text(text)) {
    return broken({{argument, bad->line, bad->column}, bad->what});
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    return broken(explain(error, text, builder));
  } catch (const Unreadable& why) {
    return broken(why);
  }
  if (builder.empty()) return Node{.kind = Node::Kind::kNull, .place = {argument, 0, 0}};
  return builder.take_root();
}

}  // namespace distill
