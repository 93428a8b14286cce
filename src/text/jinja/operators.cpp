#include "text/jinja/operators.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "text/jinja/interpreter.h"
#include "text/jinja/iterate.h"
#include "text/jinja/print.h"

namespace distill::jinja {
namespace {

constexpr const char* kTooBig = "an integer exceeds 64 bits";

std::string_view op_text(ArithmeticOp op) {
  constexpr std::string_view kTexts[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
  return kTexts[static_cast<size_t>(op)];
}

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
}

int64_t modulo(int64_t a, int64_t b) {
  const int64_t rest = a % b;
  return rest != 0 && ((rest < 0) != (b < 0)) ? rest + b : rest;
}

int64_t integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) throw Fault(kTooBig);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) throw Fault(kTooBig);
  }
  return result;
}

Value integer_arithmetic(ArithmeticOp op, int64_t a, int64_t b) {
  int64_t out = 0;
  bool overflow = false;
  switch (op) {
    case ArithmeticOp::kAdd:
      overflow = __builtin_add_overflow(a, b, &out);
      break;
    case ArithmeticOp::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &out);
      break;
    case ArithmeticOp::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &out);
      break;
    case ArithmeticOp::kFloorDivide:
      // The smallest integer divided by -1 overflows, which a division traps.
      overflow = b == -1 && __builtin_sub_overflow(int64_t{0}, a, &out);
      if (b != -1) out = floor_divide(a, b);
      break;
    case ArithmeticOp::kModulo:
      out = b == -1 ? 0 : modulo(a, b);
      break;
    default:
      out = integer_power(a, b);
  }
  if (overflow) throw Fault(kTooBig);
  return Value::integer(out);
}

double float_modulo(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  return rest == 0 ? std::copysign(0.0, b) : rest;
}

double float_floor_divide(double a, double b) {
  const double rest = float_modulo(a, b);
  const double quotient = (a - rest) / b;
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

double float_power(double a, double b) {
  if (a == 0 && b < 0) throw Fault("0.0 cannot be raised to a negative power");
  const double power = std::pow(a, b);
  if (std::isnan(power) && !std::isnan(a) && !std::isnan(b)) {
    throw Fault("complex numbers are not supported");
  }
  if (std::isinf(power) && std::isfinite(a) && std::isfinite(b)) throw Fault("Result too large");
  return power;
}

Value number_arithmetic(ArithmeticOp op, const Value& a, const Value& b) {
  const bool divides = op == ArithmeticOp::kDivide || op == ArithmeticOp::kFloorDivide ||
                       op == ArithmeticOp::kModulo;
  if (divides && b.as_double() == 0) throw Fault("division by zero");
  const bool integers = !a.is_float() && !b.is_float() && op != ArithmeticOp::kDivide &&
                        !(op == ArithmeticOp::kPower && b.as_int() < 0);
  if (integers) return integer_arithmetic(op, a.as_int(), b.as_int());
  const double x = a.as_double();
  const double y = b.as_double();
  switch (op) {
    case ArithmeticOp::kAdd:
      return Value::real(x + y);
    case ArithmeticOp::kSubtract:
      return Value::real(x - y);
    case ArithmeticOp::kMultiply:
      return Value::real(x * y);
    case ArithmeticOp::kDivide:
      return Value::real(x / y);
    case ArithmeticOp::kFloorDivide:
      return Value::real(float_floor_divide(x, y));
    case ArithmeticOp::kModulo:
      return Value::real(float_modulo(x, y));
    case ArithmeticOp::kPower:
      break;
  }
  return Value::real(float_power(x, y));
}

/// Adding to markup escapes what is not markup.
std::string joined(const Text& a, const Text& b) {
  const bool markup = a.markup || b.markup;
  BoundedText out;
  out.append(markup && !a.markup ? escape_html(a.bytes) : a.bytes);
  out.append(markup && !b.markup ? escape_html(b.bytes) : b.bytes);
  return out.take();
}

Value add(Interpreter& in, const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) {
    in.charge_bytes(a.as_string().size() + b.as_string().size());
    return Value::string(joined(a.as_text(), b.as_text()),
                         a.as_text().markup || b.as_text().markup);
  }
  for (const auto kind : {Sequence::Kind::kList, Sequence::Kind::kTuple}) {
    if (!a.is_sequence(kind) || !b.is_sequence(kind)) continue;
    in.charge(a.items().size() + b.items().size());
    std::vector<Value> items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    return Value::sequence(kind, std::move(items));
  }
  if (a.is_string() || a.is_sequence(Sequence::Kind::kList) ||
      a.is_sequence(Sequence::Kind::kTuple)) {
    throw Fault("can only concatenate " + a.type_name() + " (not \"" + b.type_name() + "\") to " +
                a.type_name());
  }
  throw Fault("unsupported operand type(s) for +: '" + a.type_name() + "' and '" + b.type_name() +
              "'");
}

std::optional<Value> repeat(Interpreter& in, const Value& value, const Value& times) {
  if (times.is_float() || !times.is_number()) return std::nullopt;
  const auto count = static_cast<size_t>(std::max<int64_t>(times.as_int(), 0));
  if (value.is_string()) {
    BoundedText out;
    out.append(count, value.as_string());
    in.charge_bytes(out.size());
    return Value::string(out.take(), value.as_text().markup);
  }
  const bool sequence =
      value.is_sequence(Sequence::Kind::kList) || value.is_sequence(Sequence::Kind::kTuple);
  if (!sequence) return std::nullopt;
  const size_t size = value.items().size();
  if (size > 0 && count > kMaxValueWeight / size) throw Fault("a list grows too long");
  in.charge(2 * size * count);
  std::vector<Value> items;
  items.reserve(size * count);
  for (size_t i = 0; i < count && size > 0; ++i) {
    items.insert(items.end(), value.items().begin(), value.items().end());
  }
  return Value::sequence(value.as_sequence().kind, std::move(items));
}

void refuse_undefined(const Value& a, const Value& b) {
  if (a.is_undefined()) throw Fault(a.undefined_message());
  if (b.is_undefined()) throw Fault(b.undefined_message());
}

}  // namespace

std::optional<CompareOp> compare_op(std::string_view text) {
  if (text == "==") return CompareOp::kEqual;
  if (text == "!=") return CompareOp::kNotEqual;
  if (text == "<") return CompareOp::kLess;
  if (text == "<=") return CompareOp::kLessEqual;
  if (text == ">") return CompareOp::kGreater;
  if (text == ">=") return CompareOp::kGreaterEqual;
  return std::nullopt;
}

Value arithmetic(Interpreter& in, ArithmeticOp op, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return number_arithmetic(op, a, b);
  refuse_undefined(a, b);
  if (op == ArithmeticOp::kAdd) return add(in, a, b);
  if (op == ArithmeticOp::kMultiply) {
    if (auto repeated = repeat(in, a, b)) return *repeated;
    if (auto repeated = repeat(in, b, a)) return *repeated;
  }
  if (op == ArithmeticOp::kModulo && a.is_string()) {
    throw Fault("formatting a string with % is not supported");
  }
  throw Fault("unsupported operand type(s) for " + std::string(op_text(op)) + ": '" +
              a.type_name() + "' and '" + b.type_name() + "'");
}

Value sign(const Value& value, bool negative) {
  if (value.is_undefined()) throw Fault(value.undefined_message());
  if (value.is_float()) return Value::real(negative ? -value.as_double() : value.as_double());
  if (!value.is_number()) {
    throw Fault(std::string("bad operand type for unary ") + (negative ? "-" : "+") + ": '" +
                value.type_name() + "'");
  }
  return integer_arithmetic(negative ? ArithmeticOp::kSubtract : ArithmeticOp::kAdd, 0,
                            value.as_int());
}

bool equal(Interpreter& in, const Value& a, const Value& b) {
  in.charge(std::min(a.weight(), b.weight()));
  return equal(a, b);
}

bool compare(Interpreter& in, CompareOp op, const Value& a, const Value& b) {
  in.charge(std::min(a.weight(), b.weight()));
  switch (op) {
    case CompareOp::kEqual:
      return equal(a, b);
    case CompareOp::kNotEqual:
      return !equal(a, b);
    case CompareOp::kLess:
      return less(a, b, "<");
    case CompareOp::kGreater:
      return less(b, a, ">");
    case CompareOp::kLessEqual:
      return less(a, b, "<=") || equal(a, b);
    case CompareOp::kGreaterEqual:
      return less(b, a, ">=") || equal(a, b);
    case CompareOp::kIn:
      return contains(in, b, a);
    case CompareOp::kNotIn:
      return !contains(in, b, a);
  }
  return false;
}

bool contains(Interpreter& in, const Value& container, const Value& item) {
  if (container.is_string()) {
    if (item.is_undefined()) throw Fault(item.undefined_message());
    if (!item.is_string()) {
      throw Fault("'in <string>' requires string as left operand, not " + item.type_name());
    }
    const std::string& text = container.as_string();
    const std::string& part = item.as_string();
    in.charge_bytes(text.size());
    // Linear time whatever the texts are, which std::string::find is not.
    return memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
  }
  if (container.is_dict()) {
    in.charge(item.weight());
    return container.as_dict().find(item) != nullptr;
  }
  if (container.is_object() || container.is_number() || container.is_none()) {
    throw Fault("argument of type '" + container.type_name() + "' is not iterable");
  }
  const std::shared_ptr<Iterator> items = iterate(container);
  Value other;
  while (items->next(other)) {
    if (equal(in, item, other)) return true;
  }
  return false;
}

int64_t to_index(const Value& value, std::string_view what) {
  if (value.is_undefined()) throw Fault(value.undefined_message());
  if (!value.is_int() && !value.is_bool()) {
    throw Fault(std::string(what) + " must be an integer, not " + value.type_name());
  }
  return value.as_int();
}

}  // namespace distill::jinja
