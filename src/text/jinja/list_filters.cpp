// Filters over lists and dicts.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "text/jinja/bind.h"
#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/iterate.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

Value lowered(Interpreter& in, const Value& value) {
  if (!value.is_string()) return value;
  in.charge_bytes(value.as_string().size());
  return Value::string(to_lower(value.as_string()));
}

Value list(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("list", args, {});
  return Value::list(collect(in, value));
}

Value first(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("first", args, {});
  Value item;
  if (iterate(value)->next(item)) return item;
  return Value::undefined("No first item, sequence was empty.");
}

Value last(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("last", args, {});
  if (value.is_iterator()) throw Fault("'generator' object is not reversible");
  std::vector<Value> items = collect(in, value);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value reverse(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("reverse", args, {});
  if (value.is_string()) {
    in.charge_bytes(value.as_string().size());
    std::u32string text = decode(value.as_string());
    std::reverse(text.begin(), text.end());
    return Value::string(encode(text), value.as_text().markup);
  }
  std::vector<Value> items = collect(in, value);
  std::reverse(items.begin(), items.end());
  if (value.is_iterator()) return Value::list(std::move(items));
  const Value reversed = Value::list(std::move(items));
  const std::shared_ptr<Iterator> source = iterate(reversed);
  return generator(source->depth(), [source](Value& item) { return source->next(item); });
}

/// Sorts by keys that were computed once for each item.
std::vector<Value> sorted(Interpreter& in, std::vector<std::pair<Value, Value>> keyed,
                          bool descending) {
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    in.charge(std::min(a.first.weight(), b.first.weight()));
    return descending ? less(b.first, a.first) : less(a.first, b.first);
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return items;
}

Value sort(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("sort", args, {"reverse", "case_sensitive", "attribute"});
  std::vector<AttributePath> paths;
  if (bound.at(2).is_string()) {
    const std::string& names = bound.text(2);
    for (size_t begin = 0; begin <= names.size();) {
      const size_t end = std::min(names.find(',', begin), names.size());
      paths.emplace_back(Value::string(names.substr(begin, end - begin)));
      begin = end + 1;
    }
  } else {
    paths.emplace_back(bound.at(2));
  }
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : collect(in, value)) {
    std::vector<Value> key;
    for (const AttributePath& path : paths) {
      const Value part = path.get(in, item);
      key.push_back(bound.flag(1, false) ? part : lowered(in, part));
    }
    keyed.emplace_back(Value::list(std::move(key)), item);
  }
  return Value::list(sorted(in, std::move(keyed), bound.flag(0, false)));
}

Value dictsort(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("dictsort", args, {"case_sensitive", "by", "reverse"});
  const std::string by = bound.has(1) ? bound.text(1) : "key";
  if (by != "key" && by != "value") throw Fault("you can only sort by either \"key\" or \"value\"");
  if (value.is_undefined()) throw Fault(value.undefined_message());
  if (!value.is_dict()) throw Fault("dictsort needs a mapping, not " + value.type_name());
  std::vector<std::pair<Value, Value>> keyed;
  for (const auto& [name, item] : value.as_dict().entries()) {
    in.charge(4);
    const Value& key = by == "key" ? name : item;
    keyed.emplace_back(bound.flag(0, false) ? key : lowered(in, key), Value::tuple({name, item}));
  }
  return Value::list(sorted(in, std::move(keyed), bound.flag(2, false)));
}

Value items(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("items", args, {});
  if (!value.is_undefined() && !value.is_dict()) {
    throw Fault("Can only get item pairs from a mapping.");
  }
  return generator(value.depth() + 1, [value, at = size_t{0}](Value& item) mutable {
    if (value.is_undefined() || at == value.as_dict().size()) return false;
    const auto& [key, entry] = value.as_dict().entries()[at++];
    item = Value::tuple({key, entry});
    return true;
  });
}

Value sum(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("sum", args, {"attribute", "start"});
  const AttributePath path(bound.at(0));
  Value total = bound.has(1) ? bound.at(1) : Value::integer(0);
  if (total.is_string()) throw Fault("sum() can't sum strings [use ''.join(seq) instead]");
  const std::shared_ptr<Iterator> source = iterate(value);
  Value item;
  while (source->next(item)) {
    in.charge(1);
    total = arithmetic(in, ArithmeticOp::kAdd, total, path.get(in, item));
  }
  return total;
}

template <bool kLargest>
Value extreme(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound(kLargest ? "max" : "min", args, {"case_sensitive", "attribute"});
  const AttributePath path(bound.at(1));
  const std::shared_ptr<Iterator> source = iterate(value);
  std::optional<Value> best;
  Value best_key;
  Value item;
  while (source->next(item)) {
    in.charge(1);
    Value key = path.get(in, item);
    if (!bound.flag(0, false)) key = lowered(in, key);
    if (best) in.charge(std::min(key.weight(), best_key.weight()));
    if (!best || (kLargest ? less(best_key, key, ">") : less(key, best_key))) {
      best = item;
      best_key = key;
    }
  }
  return best ? *best : Value::undefined("No aggregated item, sequence was empty.");
}

Value unique(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("unique", args, {"case_sensitive", "attribute"});
  const std::shared_ptr<Iterator> source = iterate(value);
  const AttributePath path(bound.at(1));
  const bool exact = bound.flag(0, false);
  auto seen = std::make_shared<Dict>();
  return generator(source->depth(), [&in, source, path, exact, seen](Value& item) {
    while (source->next(item)) {
      const Value key = path.get(in, item);
      in.charge(1 + key.weight());
      const Value name = exact ? key : lowered(in, key);
      if (seen->find(name) != nullptr) continue;
      seen->set(name, Value());
      return true;
    }
    return false;
  });
}

Value batch(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("batch", args, {"linecount", "fill_with"}, 1);
  const int64_t size = bound.integer(0, 1);
  if (size < 1) throw Fault("batch needs a positive number of items");
  const std::shared_ptr<Iterator> source = iterate(value);
  const Value fill = bound.at(1);
  const int depth = std::max(source->depth(), fill.depth());
  return generator(depth + 1, [&in, source, size, fill](Value& item) {
    std::vector<Value> row;
    Value next;
    while (static_cast<int64_t>(row.size()) < size && source->next(next)) {
      in.charge(2);
      row.push_back(std::move(next));
    }
    if (row.empty()) return false;
    while (!fill.is_none() && static_cast<int64_t>(row.size()) < size) {
      in.charge(2);
      row.push_back(fill);
    }
    item = Value::list(std::move(row));
    return true;
  });
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"batch", batch},
    {"dictsort", dictsort},
    {"first", first},
    {"items", items},
    {"last", last},
    {"list", list},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"reverse", reverse},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
});

}  // namespace

FilterFunction find_list_filter(std::string_view name) { return find_in(kFilters, name); }

}  // namespace distill::jinja
