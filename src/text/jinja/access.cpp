// Attributes, items and slices.
#include <algorithm>

#include "text/jinja/interpreter.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

/// Names of types in messages about attributes, as Jinja writes them.
std::string describe_type(const Value& object) {
  return object.is_none() ? "None" : object.type_name() + " object";
}

Value undefined_attribute(const Value& object, const std::string& name) {
  return Value::undefined("'" + describe_type(object) + "' has no attribute '" + name + "'");
}

/// What `object.name` is before items are considered.
std::optional<Value> find_attribute(const Value& object, const std::string& name) {
  if (name.starts_with("__") && name.ends_with("__")) {
    return Value::undefined("access to attribute '" + name + "' of '" + object.type_name() +
                            "' object is unsafe.");
  }
  if (object.is_object()) return object.as_object()->attribute(name);
  return find_method(object, name);
}

/// The place of an index in a sequence; nothing when it lies outside.
std::optional<size_t> resolve(int64_t index, size_t size) {
  const auto length = static_cast<int64_t>(size);
  if (index < -length || index >= length) return std::nullopt;
  return static_cast<size_t>(index < 0 ? index + length : index);
}

/// Whether a value holds a list or a dict, which Python cannot hash.
bool is_hashable(const Value& value) {
  if (value.is_sequence(Sequence::Kind::kTuple)) {
    return std::all_of(value.items().begin(), value.items().end(), is_hashable);
  }
  return !value.is_sequence() && !value.is_dict();
}

std::optional<Value> find_item(Interpreter& in, const Value& object, const Value& key) {
  if (object.is_dict()) {
    in.charge(key.weight());
    if (!is_hashable(key)) return std::nullopt;
    const Value* value = object.as_dict().find(key);
    return value != nullptr ? std::optional<Value>(*value) : std::nullopt;
  }
  if (!key.is_int() && !key.is_bool()) return std::nullopt;
  if (object.is_string()) {
    const std::string& text = object.as_string();
    in.charge_bytes(text.size());
    const auto at = resolve(key.as_int(), count_code_points(text));
    if (!at) return std::nullopt;
    return Value::string(encode(decode(text).substr(*at, 1)), object.as_text().markup);
  }
  const bool indexed = object.is_sequence(Sequence::Kind::kList) ||
                       object.is_sequence(Sequence::Kind::kTuple) ||
                       object.is_sequence(Sequence::Kind::kRange);
  if (!indexed) return std::nullopt;
  const auto at = resolve(key.as_int(), object.items().size());
  return at ? std::optional<Value>(object.items()[*at]) : std::nullopt;
}

struct Bounds {
  int64_t start, stop, step;
};

/// Bounds clamped as Python's slice.indices does.
Bounds slice_bounds(const Value& start, const Value& stop, const Value& step, int64_t length) {
  Bounds bounds{};
  bounds.step = step.is_none() ? 1 : to_index(step, "a slice step");
  if (bounds.step == 0) throw Fault("slice step cannot be zero");
  const bool backwards = bounds.step < 0;
  const int64_t lowest = backwards ? -1 : 0;
  const int64_t highest = backwards ? length - 1 : length;
  const auto clamp = [&](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    int64_t index = to_index(value, "a slice index");
    if (index < 0) index = std::max(index, -length - 1) + length;
    return std::clamp(index, lowest, std::max(lowest, highest));
  };
  bounds.start = clamp(start, backwards ? highest : lowest);
  bounds.stop = clamp(stop, backwards ? lowest : highest);
  // Steps as long as the sequence end it just as well, and cannot overflow.
  bounds.step = std::clamp(bounds.step, -length - 1, length + 1);
  return bounds;
}

template <typename Visit>
void for_each_index(const Bounds& bounds, Visit visit) {
  for (int64_t i = bounds.start; bounds.step > 0 ? i < bounds.stop : i > bounds.stop;
       i += bounds.step) {
    visit(static_cast<size_t>(i));
  }
}

}  // namespace

Value get_attribute(const Value& object, const std::string& name) {
  if (object.is_undefined()) throw Fault(object.undefined_message());
  if (auto found = find_attribute(object, name)) return *found;
  if (object.is_dict()) {
    if (const Value* value = object.as_dict().find(name)) return *value;
  }
  return undefined_attribute(object, name);
}

Value get_item(Interpreter& in, const Value& object, const Value& key) {
  if (object.is_undefined()) throw Fault(object.undefined_message());
  if (auto item = find_item(in, object, key)) return *item;
  if (!key.is_string()) {
    return Value::undefined(describe_type(object) + " has no element " + to_repr(key));
  }
  if (auto found = find_attribute(object, key.as_string())) return *found;
  return undefined_attribute(object, key.as_string());
}

Value get_slice(Interpreter& in, const Value& object, const Value& start, const Value& stop,
                const Value& step) {
  if (object.is_undefined()) throw Fault(object.undefined_message());
  if (object.is_string()) {
    in.charge_bytes(object.as_string().size());
    const std::u32string text = decode(object.as_string());
    std::u32string out;
    for_each_index(slice_bounds(start, stop, step, static_cast<int64_t>(text.size())),
                   [&](size_t i) { out.push_back(text[i]); });
    return Value::string(encode(out), object.as_text().markup);
  }
  const bool sliceable = object.is_sequence(Sequence::Kind::kList) ||
                         object.is_sequence(Sequence::Kind::kTuple) ||
                         object.is_sequence(Sequence::Kind::kRange);
  if (!sliceable) return Value::undefined(describe_type(object) + " cannot be sliced");
  std::vector<Value> items;
  for_each_index(slice_bounds(start, stop, step, static_cast<int64_t>(object.items().size())),
                 [&](size_t i) {
                   in.charge(2);
                   items.push_back(object.items()[i]);
                 });
  return Value::sequence(object.as_sequence().kind, std::move(items));
}

}  // namespace distill::jinja
