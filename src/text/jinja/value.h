// The values of templates: Python's types as far as templates see them.
//
// Containers are immutable, and each knows how deep it nests and how many values it holds in all,
// so that work on it (printing, comparing, hashing) is bounded before it starts. Reference cycles
// are possible through namespaces only, which the interpreter empties when it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace distill::jinja {

class Dict;
class Interpreter;
class Object;
class Value;

constexpr int kMaxValueDepth = 200;
constexpr size_t kMaxValueWeight = 4'000'000;
constexpr size_t kMaxTextBytes = size_t{64} << 20U;

/// What goes wrong while a template runs; the line is added where it is caught.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// raise_exception(message) was called.
class RaisedByTemplate : public Fault {
 public:
  using Fault::Fault;
};

struct Text {
  std::string bytes;
  bool markup = false;  // the result of `safe` or `escape`: adding to it escapes the other side
};

struct Sequence {
  enum class Kind { kList, kTuple, kRange, kKeys, kValues, kItems };
  Kind kind = Kind::kList;
  std::vector<Value> items;
  int depth = 1;
  size_t weight = 1;
};

/// What is handed out one by one. A generator of Python: it can be walked through once.
class Iterator {
 public:
  explicit Iterator(int depth) : depth_(depth) {}
  virtual ~Iterator() = default;
  /// False at the end.
  virtual bool next(Value& item) = 0;
  int depth() const { return depth_; }

 private:
  int depth_;
};

class Value {
 public:
  enum class Type {
    kUndefined,
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kSequence,
    kDict,
    kIterator,
    kObject
  };

  Value() : data_(None{}) {}
  static Value undefined(std::string message);
  static Value boolean(bool value) { return Value(Data(value)); }
  static Value integer(int64_t value) { return Value(Data(value)); }
  static Value real(double value) { return Value(Data(value)); }
  static Value string(std::string value, bool markup = false);
  static Value sequence(Sequence::Kind kind, std::vector<Value> items);
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  static Value dict(Dict dict);
  static Value iterator(std::shared_ptr<Iterator> iterator);
  static Value object(std::shared_ptr<Object> object);

  Type type() const { return static_cast<Type>(data_.index()); }
  bool is_undefined() const { return type() == Type::kUndefined; }
  bool is_none() const { return type() == Type::kNone; }
  bool is_bool() const { return type() == Type::kBool; }
  bool is_int() const { return type() == Type::kInt; }
  bool is_float() const { return type() == Type::kFloat; }
  bool is_number() const { return is_bool() || is_int() || is_float(); }
  bool is_string() const { return type() == Type::kString; }
  bool is_sequence() const { return type() == Type::kSequence; }
  bool is_sequence(Sequence::Kind kind) const {
    return is_sequence() && as_sequence().kind == kind;
  }
  bool is_dict() const { return type() == Type::kDict; }
  bool is_iterator() const { return type() == Type::kIterator; }
  bool is_object() const { return type() == Type::kObject; }

  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_int() const { return is_bool() ? int64_t{as_bool()} : std::get<int64_t>(data_); }
  double as_double() const;
  const std::string& as_string() const { return as_text().bytes; }
  const Text& as_text() const { return *std::get<std::shared_ptr<const Text>>(data_); }
  const Sequence& as_sequence() const { return *std::get<std::shared_ptr<const Sequence>>(data_); }
  const std::vector<Value>& items() const { return as_sequence().items; }
  const Dict& as_dict() const { return *std::get<std::shared_ptr<const Dict>>(data_); }
  const std::shared_ptr<Iterator>& as_iterator() const {
    return std::get<std::shared_ptr<Iterator>>(data_);
  }
  const std::shared_ptr<Object>& as_object() const {
    return std::get<std::shared_ptr<Object>>(data_);
  }
  const std::string& undefined_message() const { return std::get<UndefinedPtr>(data_)->message; }

  bool truthy() const;
  /// Python's name of the type: "NoneType", "str", "dict", ...
  std::string type_name() const;
  /// len(); nothing for what has none.
  std::optional<size_t> length() const;
  int depth() const;
  size_t weight() const;
  /// The same object, or an equal scalar: Python's `is`.
  bool same_as(const Value& other) const;

 private:
  struct UndefinedInfo {
    std::string message;
  };
  struct None {
    bool operator==(const None&) const = default;
  };
  using UndefinedPtr = std::shared_ptr<const UndefinedInfo>;
  using Data = std::variant<UndefinedPtr, None, bool, int64_t, double, std::shared_ptr<const Text>,
                            std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>,
                            std::shared_ptr<Iterator>, std::shared_ptr<Object>>;
  explicit Value(Data data) : data_(std::move(data)) {}

  Data data_;
};

/// Python's ==. Never throws: values of different types are unequal.
bool equal(const Value& a, const Value& b);
/// Throws Fault for what Python cannot hash (lists, dicts).
size_t hash_value(const Value& value);

/// A dict: keys keep the order in which they came.
class Dict {
 public:
  void set(Value key, Value value);
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  size_t size() const { return entries_.size(); }
  const std::vector<std::pair<Value, Value>>& entries() const { return entries_; }
  int depth() const { return depth_; }
  size_t weight() const { return weight_; }

 private:
  std::optional<size_t> position(const Value& key, size_t hash) const;

  std::vector<std::pair<Value, Value>> entries_;
  std::unordered_multimap<size_t, size_t> index_;  // hash -> position
  int depth_ = 1;
  size_t weight_ = 1;
};

struct CallArgs {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keyword;
  int depth() const;
};

/// What is neither data nor an iterator: namespaces, loops, macros, functions, bound methods.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string type_name() const = 0;
  virtual std::optional<Value> attribute(const std::string& name);
  virtual bool callable() const { return false; }
  virtual Value call(Interpreter& interpreter, const CallArgs& args);
  virtual int depth() const { return 1; }
};

}  // namespace distill::jinja
