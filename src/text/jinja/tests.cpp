#include "text/jinja/tests.h"

#include <algorithm>
#include <array>

#include "text/jinja/bind.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

/// A test without arguments, from a predicate of the value.
template <bool (*kPredicate)(const Value&)>
bool plain(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("test", args, {});
  return kPredicate(value);
}

template <CompareOp kOp>
bool compared(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("test", args, {"other"}, 1);
  return compare(in, kOp, value, bound.at(0));
}

bool remainder_is(Interpreter& in, const Value& value, const Value& divisor, int64_t expected) {
  const Value rest = arithmetic(in, ArithmeticOp::kModulo, value, divisor);
  return equal(rest, Value::integer(expected));
}

bool odd(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("odd", args, {});
  return remainder_is(in, value, Value::integer(2), 1);
}

bool even(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("even", args, {});
  return remainder_is(in, value, Value::integer(2), 0);
}

bool divisible_by(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("divisibleby", args, {"num"}, 1);
  return remainder_is(in, value, bound.at(0), 0);
}

bool same_as(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("sameas", args, {"other"}, 1);
  return value.same_as(bound.at(0));
}

bool is_defined(const Value& v) { return !v.is_undefined(); }
bool is_undefined(const Value& v) { return v.is_undefined(); }
bool is_none(const Value& v) { return v.is_none(); }
bool is_boolean(const Value& v) { return v.is_bool(); }
bool is_true(const Value& v) { return v.is_bool() && v.as_bool(); }
bool is_false(const Value& v) { return v.is_bool() && !v.as_bool(); }
bool is_integer(const Value& v) { return v.is_int(); }
bool is_float(const Value& v) { return v.is_float(); }
bool is_number(const Value& v) { return v.is_number(); }
bool is_string(const Value& v) { return v.is_string(); }
bool is_mapping(const Value& v) { return v.is_dict(); }
bool is_callable(const Value& v) { return v.is_object() && v.as_object()->callable(); }
bool is_escaped(const Value& v) { return v.is_string() && v.as_text().markup; }

bool is_iterable(const Value& v) {
  return v.is_undefined() || v.is_string() || v.is_sequence() || v.is_dict() || v.is_iterator() ||
         (v.is_object() && v.type_name() == "LoopContext");
}

bool is_sequence(const Value& v) {
  return v.length().has_value() && !v.is_sequence(Sequence::Kind::kKeys) &&
         !v.is_sequence(Sequence::Kind::kValues) && !v.is_sequence(Sequence::Kind::kItems);
}

template <bool (*kTest)(char32_t), bool (*kOpposite)(char32_t)>
bool is_case(Interpreter& in, const Value& value, const CallArgs& args) {
  const Bound bound("test", args, {});
  const std::u32string text = decode(to_text(value));
  in.charge_bytes(text.size());
  return std::any_of(text.begin(), text.end(), kTest) &&
         std::none_of(text.begin(), text.end(), kOpposite);
}

struct NamedTest {
  std::string_view name;
  TestFunction test;
};

constexpr auto kTests = std::to_array<NamedTest>({
    {"!=", compared<CompareOp::kNotEqual>},
    {"<", compared<CompareOp::kLess>},
    {"<=", compared<CompareOp::kLessEqual>},
    {"==", compared<CompareOp::kEqual>},
    {">", compared<CompareOp::kGreater>},
    {">=", compared<CompareOp::kGreaterEqual>},
    {"boolean", plain<is_boolean>},
    {"callable", plain<is_callable>},
    {"defined", plain<is_defined>},
    {"divisibleby", divisible_by},
    {"eq", compared<CompareOp::kEqual>},
    {"equalto", compared<CompareOp::kEqual>},
    {"escaped", plain<is_escaped>},
    {"even", even},
    {"false", plain<is_false>},
    {"float", plain<is_float>},
    {"ge", compared<CompareOp::kGreaterEqual>},
    {"greaterthan", compared<CompareOp::kGreater>},
    {"gt", compared<CompareOp::kGreater>},
    {"in", compared<CompareOp::kIn>},
    {"integer", plain<is_integer>},
    {"iterable", plain<is_iterable>},
    {"le", compared<CompareOp::kLessEqual>},
    {"lessthan", compared<CompareOp::kLess>},
    {"lower", is_case<is_lower, is_upper>},
    {"lt", compared<CompareOp::kLess>},
    {"mapping", plain<is_mapping>},
    {"ne", compared<CompareOp::kNotEqual>},
    {"none", plain<is_none>},
    {"number", plain<is_number>},
    {"odd", odd},
    {"sameas", same_as},
    {"sequence", plain<is_sequence>},
    {"string", plain<is_string>},
    {"true", plain<is_true>},
    {"undefined", plain<is_undefined>},
    {"upper", is_case<is_upper, is_lower>},
});

}  // namespace

TestFunction find_test(std::string_view name) {
  const auto found = std::find_if(kTests.begin(), kTests.end(),
                                  [&](const NamedTest& test) { return test.name == name; });
  return found == kTests.end() ? nullptr : found->test;
}

}  // namespace distill::jinja
