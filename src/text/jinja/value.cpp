#include "text/jinja/value.h"

#include <algorithm>
#include <functional>

#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

struct Extent {
  int depth = 1;
  size_t weight = 1;

  void add(const Value& value) {
    depth = std::max(depth, value.depth() + 1);
    weight += value.weight();
  }
  void check() const {
    if (depth > kMaxValueDepth) throw Fault("a value nests deeper than 200 levels");
    if (weight > kMaxValueWeight) throw Fault("a value holds more than 4000000 parts");
  }
};

}  // namespace

Value Value::undefined(std::string message) {
  return Value(Data(std::make_shared<const UndefinedInfo>(UndefinedInfo{std::move(message)})));
}

Value Value::string(std::string value, bool markup) {
  if (value.size() > kMaxTextBytes) throw Fault("a string grows beyond 64 MiB");
  return Value(Data(std::make_shared<const Text>(Text{std::move(value), markup})));
}

Value Value::sequence(Sequence::Kind kind, std::vector<Value> items) {
  Extent extent;
  for (const Value& item : items) extent.add(item);
  extent.check();
  return Value(Data(std::make_shared<const Sequence>(
      Sequence{kind, std::move(items), extent.depth, extent.weight})));
}

Value Value::list(std::vector<Value> items) {
  return sequence(Sequence::Kind::kList, std::move(items));
}

Value Value::tuple(std::vector<Value> items) {
  return sequence(Sequence::Kind::kTuple, std::move(items));
}

Value Value::dict(Dict dict) { return Value(Data(std::make_shared<const Dict>(std::move(dict)))); }

Value Value::iterator(std::shared_ptr<Iterator> iterator) {
  if (iterator->depth() > kMaxValueDepth) throw Fault("generators nest deeper than 200 levels");
  return Value(Data(std::move(iterator)));
}

Value Value::object(std::shared_ptr<Object> object) {
  if (object->depth() > kMaxValueDepth) throw Fault("a value nests deeper than 200 levels");
  return Value(Data(std::move(object)));
}

double Value::as_double() const {
  return is_float() ? std::get<double>(data_) : static_cast<double>(as_int());
}

bool Value::truthy() const {
  switch (type()) {
    case Type::kUndefined:
    case Type::kNone:
      return false;
    case Type::kBool:
    case Type::kInt:
      return as_int() != 0;
    case Type::kFloat:
      return as_double() != 0;
    case Type::kIterator:
    case Type::kObject:
      return true;
    default:
      return length().value_or(0) > 0;
  }
}

std::string Value::type_name() const {
  switch (type()) {
    case Type::kUndefined:
      return "Undefined";
    case Type::kNone:
      return "NoneType";
    case Type::kBool:
      return "bool";
    case Type::kInt:
      return "int";
    case Type::kFloat:
      return "float";
    case Type::kString:
      return as_text().markup ? "Markup" : "str";
    case Type::kSequence:
      switch (as_sequence().kind) {
        case Sequence::Kind::kList:
          return "list";
        case Sequence::Kind::kTuple:
          return "tuple";
        case Sequence::Kind::kRange:
          return "range";
        case Sequence::Kind::kKeys:
          return "dict_keys";
        case Sequence::Kind::kValues:
          return "dict_values";
        case Sequence::Kind::kItems:
          return "dict_items";
      }
      return "list";
    case Type::kDict:
      return "dict";
    case Type::kIterator:
      return "generator";
    case Type::kObject:
      return as_object()->type_name();
  }
  return "object";
}

std::optional<size_t> Value::length() const {
  switch (type()) {
    case Type::kUndefined:
      return 0;
    case Type::kString:
      return count_code_points(as_string());
    case Type::kSequence:
      return items().size();
    case Type::kDict:
      return as_dict().size();
    default:
      return std::nullopt;
  }
}

int Value::depth() const {
  switch (type()) {
    case Type::kSequence:
      return as_sequence().depth;
    case Type::kDict:
      return as_dict().depth();
    case Type::kIterator:
      return as_iterator()->depth();
    case Type::kObject:
      return as_object()->depth();
    default:
      return 1;
  }
}

size_t Value::weight() const {
  if (is_sequence()) return as_sequence().weight;
  if (is_dict()) return as_dict().weight();
  return 1;
}

bool Value::same_as(const Value& other) const {
  return type() == other.type() && data_ == other.data_;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (!a.is_float() && !b.is_float()) return a.as_int() == b.as_int();
    return a.as_double() == b.as_double();
  }
  if (a.type() != b.type()) return false;
  if (a.is_undefined() || a.is_none()) return true;
  if (a.is_string()) return a.as_string() == b.as_string();
  if (a.same_as(b)) return true;
  if (a.is_sequence()) {
    return a.as_sequence().kind == b.as_sequence().kind &&
           std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                      equal);
  }
  if (!a.is_dict() || a.as_dict().size() != b.as_dict().size()) return false;
  const auto& entries = a.as_dict().entries();
  return std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
    const Value* other = b.as_dict().find(entry.first);
    return other != nullptr && equal(entry.second, *other);
  });
}

size_t hash_value(const Value& value) {
  if (value.is_string()) return std::hash<std::string_view>{}(value.as_string());
  if (value.is_number()) return std::hash<double>{}(value.as_double());
  if (value.is_sequence(Sequence::Kind::kTuple)) {
    size_t hash = 0;
    for (const Value& item : value.items()) hash = hash * 1000003 + hash_value(item);
    return hash;
  }
  if (value.is_sequence() || value.is_dict()) {
    throw Fault("unhashable type: '" + value.type_name() + "'");
  }
  if (value.is_object()) return std::hash<const void*>{}(value.as_object().get());
  if (value.is_iterator()) return std::hash<const void*>{}(value.as_iterator().get());
  return static_cast<size_t>(value.type());
}

void Dict::set(Value key, Value value) {
  const size_t hash = hash_value(key);
  Extent extent{depth_, weight_};
  extent.add(key);
  extent.add(value);
  extent.check();
  depth_ = extent.depth;
  weight_ = extent.weight;
  if (const auto at = position(key, hash)) {
    entries_[*at].second = std::move(value);
    return;
  }
  index_.emplace(hash, entries_.size());
  entries_.emplace_back(std::move(key), std::move(value));
}

std::optional<size_t> Dict::position(const Value& key, size_t hash) const {
  const auto [begin, end] = index_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (equal(entries_[it->second].first, key)) return it->second;
  }
  return std::nullopt;
}

const Value* Dict::find(const Value& key) const {
  const auto at = position(key, hash_value(key));
  return at ? &entries_[*at].second : nullptr;
}

const Value* Dict::find(std::string_view key) const {
  constexpr size_t kSmall = 8;
  if (entries_.size() > kSmall) return find(Value::string(std::string(key)));
  for (const auto& [name, value] : entries_) {
    if (name.is_string() && name.as_string() == key) return &value;
  }
  return nullptr;
}

int CallArgs::depth() const {
  int depth = 0;
  for (const Value& value : positional) depth = std::max(depth, value.depth());
  for (const auto& [name, value] : keyword) depth = std::max(depth, value.depth());
  return depth;
}

std::optional<Value> Object::attribute(const std::string&) { return std::nullopt; }

Value Object::call(Interpreter&, const CallArgs&) {
  throw Fault("'" + type_name() + "' object is not callable");
}

}  // namespace distill::jinja
