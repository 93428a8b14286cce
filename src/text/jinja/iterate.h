// Walking through values.
#pragma once

#include <functional>
#include <memory>

#include "text/jinja/value.h"

namespace distill::jinja {

/// iter(value). A generator gives itself. Throws Fault for what cannot be iterated.
std::shared_ptr<Iterator> iterate(const Value& value);
/// All items, each charged to the interpreter.
std::vector<Value> collect(Interpreter& in, const Value& value);
/// A generator whose `next` is a function; `depth` is that of what the function holds.
Value generator(int depth, std::function<bool(Value&)> next);

}  // namespace distill::jinja
