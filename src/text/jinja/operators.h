// Operators, attribute and item access, with Python's meaning.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace distill::jinja {

enum class ArithmeticOp { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
enum class CompareOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };

std::optional<CompareOp> compare_op(std::string_view text);

/// All of these throw Fault for types that Python refuses, and for integers beyond 64 bits.
Value arithmetic(Interpreter& in, ArithmeticOp op, const Value& a, const Value& b);
Value sign(const Value& value, bool negative);
bool compare(Interpreter& in, CompareOp op, const Value& a, const Value& b);
/// a == b, charged to the interpreter.
bool equal(Interpreter& in, const Value& a, const Value& b);
bool contains(Interpreter& in, const Value& container, const Value& item);

/// `object.name`: an attribute or method before an item; undefined when there is neither.
Value get_attribute(const Value& object, const std::string& name);
/// `object[key]`: an item before an attribute.
Value get_item(Interpreter& in, const Value& object, const Value& key);
/// `object[start:stop:step]`, each part None when it is left out.
Value get_slice(Interpreter& in, const Value& object, const Value& start, const Value& stop,
                const Value& step);

/// Throws Fault unless the value is an integer or a boolean; `what` names it.
int64_t to_index(const Value& value, std::string_view what);

}  // namespace distill::jinja
