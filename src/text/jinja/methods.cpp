#include "text/jinja/methods.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "text/jinja/bind.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/iterate.h"
#include "text/jinja/operators.h"

namespace distill::jinja {
namespace {

constexpr auto kChangesDict =
    std::to_array<std::string_view>({"clear", "pop", "popitem", "setdefault", "update"});
constexpr auto kChangesList = std::to_array<std::string_view>(
    {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"});
// Methods that Python's types have and this engine has not.
constexpr auto kForeignString = std::to_array<std::string_view>(
    {"casefold", "encode", "expandtabs", "format", "format_map", "isascii", "isdecimal",
     "isidentifier", "isnumeric", "isprintable", "istitle", "maketrans", "translate", "swapcase"});
constexpr auto kForeignNumber = std::to_array<std::string_view>(
    {"as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes",
     "fromhex", "hex", "imag", "is_integer", "numerator", "real", "to_bytes"});
constexpr auto kTakesKeywords = std::to_array<std::string_view>({"rsplit", "split", "splitlines"});
constexpr auto kForeignDict = std::to_array<std::string_view>({"copy", "fromkeys"});
constexpr auto kForeignList = std::to_array<std::string_view>({"copy"});

template <typename Names>
bool is_one_of(const std::string& name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value bind_method(Method method, const Value& self, const std::string& name) {
  return make_function(
      [method, self, name](Interpreter& in, const CallArgs& args) {
        if (!args.keyword.empty() && !is_one_of(name, kTakesKeywords)) {
          throw Fault(self.type_name() + "." + name + "() takes no keyword arguments");
        }
        if (self.is_string()) in.charge_bytes(self.as_string().size());
        return method(in, self, args);
      },
      self.depth());
}

Value refuse_method(const Value& self, const std::string& name) {
  const std::string message =
      "the method '" + name + "' of " + self.type_name() + " is not supported";
  return make_function([message](Interpreter&, const CallArgs&) -> Value { throw Fault(message); });
}

Value dict_items(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("items", args, {});
  std::vector<Value> items;
  for (const auto& [key, value] : self.as_dict().entries()) {
    in.charge(4);
    items.push_back(Value::tuple({key, value}));
  }
  return Value::sequence(Sequence::Kind::kItems, std::move(items));
}

Value dict_keys(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("keys", args, {});
  return Value::sequence(Sequence::Kind::kKeys, collect(in, self));
}

Value dict_values(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("values", args, {});
  std::vector<Value> values;
  for (const auto& [key, value] : self.as_dict().entries()) {
    in.charge(2);
    values.push_back(value);
  }
  return Value::sequence(Sequence::Kind::kValues, std::move(values));
}

Value dict_get(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("get", args, {"key", "default"}, 1);
  in.charge(bound.at(0).weight());
  const Value* value = self.as_dict().find(bound.at(0));
  return value != nullptr ? *value : bound.at(1);
}

Value sequence_index(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("index", args, {"value"}, 1);
  for (size_t i = 0; i < self.items().size(); ++i) {
    if (equal(in, self.items()[i], bound.at(0))) return Value::integer(static_cast<int64_t>(i));
  }
  throw Fault("the value is not in the " + self.type_name());
}

Value sequence_count(Interpreter& in, const Value& self, const CallArgs& args) {
  const Bound bound("count", args, {"value"}, 1);
  const auto count = std::count_if(self.items().begin(), self.items().end(),
                                   [&](const Value& item) { return equal(in, item, bound.at(0)); });
  return Value::integer(count);
}

Method find_dict_method(const std::string& name) {
  if (name == "items") return dict_items;
  if (name == "keys") return dict_keys;
  if (name == "values") return dict_values;
  return name == "get" ? dict_get : nullptr;
}

}  // namespace

std::optional<Value> find_method(const Value& object, const std::string& name) {
  Method method = nullptr;
  bool foreign = false;
  bool changes = false;
  if (object.is_string()) {
    method = find_string_method(name);
    foreign = is_one_of(name, kForeignString);
  } else if (object.is_dict()) {
    method = find_dict_method(name);
    foreign = is_one_of(name, kForeignDict);
    changes = is_one_of(name, kChangesDict);
  } else if (object.is_sequence(Sequence::Kind::kList) ||
             object.is_sequence(Sequence::Kind::kTuple) ||
             object.is_sequence(Sequence::Kind::kRange)) {
    method = name == "index" ? sequence_index : name == "count" ? sequence_count : nullptr;
    const bool list = object.is_sequence(Sequence::Kind::kList);
    foreign = list && is_one_of(name, kForeignList);
    changes = list && is_one_of(name, kChangesList);
  }
  if (object.is_number()) foreign = is_one_of(name, kForeignNumber);
  if (changes) {
    return Value::undefined("access to attribute '" + name + "' of '" + object.type_name() +
                            "' object is unsafe.");
  }
  if (method != nullptr) return bind_method(method, object, name);
  if (foreign) return refuse_method(object, name);
  return std::nullopt;
}

}  // namespace distill::jinja
