// map, select, reject and their kin: filters that apply a filter or a test, named by a string, to
// every item. They give generators, which work when they are asked for an item.
#include <array>

#include "text/jinja/bind.h"
#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/iterate.h"
#include "text/jinja/tests.h"

namespace distill::jinja {
namespace {

/// The arguments after the first `count` positional ones.
CallArgs without_first(const CallArgs& args, size_t count) {
  CallArgs rest;
  rest.keyword = args.keyword;
  rest.positional.assign(args.positional.begin() + static_cast<std::ptrdiff_t>(count),
                         args.positional.end());
  return rest;
}

const std::string& name_of(const Value& value) {
  if (!value.is_string()) throw Fault("the name of a filter or test must be a string");
  return value.as_string();
}

int depth_of(const std::shared_ptr<Iterator>& source, const CallArgs& args) {
  return std::max(source->depth(), args.depth()) + 1;
}

/// What nothing is selected from: whatever counts as false, iterable or not.
Value empty_generator() {
  return generator(1, [](Value&) { return false; });
}

Value map_attribute(Interpreter& in, const std::shared_ptr<Iterator>& source,
                    const CallArgs& args) {
  const Bound bound("map", args, {"attribute", "default"});
  const AttributePath path(bound.at(0));
  const Value fallback = bound.at(1);
  return generator(depth_of(source, args), [&in, source, path, fallback](Value& item) {
    Value next;
    if (!source->next(next)) return false;
    in.charge(1);
    item = path.get(in, next, &fallback);
    return true;
  });
}

Value map(Interpreter& in, const Value& value, const CallArgs& args) {
  if (!value.truthy()) return empty_generator();
  const std::shared_ptr<Iterator> source = iterate(value);
  if (args.positional.empty()) {
    if (args.keyword.empty()) throw Fault("map requires a filter argument");
    return map_attribute(in, source, args);
  }
  const std::string& name = name_of(args.positional[0]);
  const FilterFunction filter = find_filter(name);
  if (filter == nullptr) throw Fault("the filter '" + name + "' is not supported");
  CallArgs rest = without_first(args, 1);
  return generator(depth_of(source, args), [&in, source, filter, rest](Value& item) {
    Value next;
    if (!source->next(next)) return false;
    in.charge(1);
    item = filter(in, next, rest);
    return true;
  });
}

/// select and reject; with an attribute in front, selectattr and rejectattr.
template <bool kAttribute, bool kKeep>
Value select(Interpreter& in, const Value& value, const CallArgs& args) {
  constexpr size_t kOffset = kAttribute ? 1 : 0;
  if (!value.truthy()) return empty_generator();
  if (args.positional.size() < kOffset) throw Fault("missing parameter for attribute name");
  const std::shared_ptr<Iterator> source = iterate(value);
  const AttributePath path(kAttribute ? args.positional[0] : Value());
  TestFunction test = nullptr;
  CallArgs rest;
  if (args.positional.size() > kOffset) {
    const std::string& name = name_of(args.positional[kOffset]);
    test = find_test(name);
    if (test == nullptr) throw Fault("the test '" + name + "' is not supported");
    rest = without_first(args, kOffset + 1);
  }
  return generator(depth_of(source, args), [&in, source, path, test, rest](Value& item) {
    while (source->next(item)) {
      in.charge(1);
      const Value tested = path.get(in, item);
      if ((test == nullptr ? tested.truthy() : test(in, tested, rest)) == kKeep) return true;
    }
    return false;
  });
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"map", map},
    {"reject", select<false, false>},
    {"rejectattr", select<true, false>},
    {"select", select<false, true>},
    {"selectattr", select<true, true>},
});

}  // namespace

FilterFunction find_selection_filter(std::string_view name) { return find_in(kFilters, name); }

}  // namespace distill::jinja
