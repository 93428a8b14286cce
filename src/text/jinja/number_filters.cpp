// Filters that give numbers.
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "text/jinja/bind.h"
#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

void refuse_undefined(const Value& value) {
  if (value.is_undefined()) throw Fault(value.undefined_message());
}

/// The digits of a number in text, as int() and float() read them: no white space around, single
/// underscores between digits dropped. Empty if underscores are elsewhere.
std::string plain_digits(const std::string& text) {
  const std::string_view inner = strip_space(text, Side::kBoth);
  std::string out;
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] != '_') {
      out.push_back(inner[i]);
      continue;
    }
    const auto alphanumeric = [&](size_t at) {
      return at < inner.size() && std::isalnum(static_cast<unsigned char>(inner[at])) != 0;
    };
    if (i == 0 || !alphanumeric(i - 1) || !alphanumeric(i + 1)) return {};
  }
  return out;
}

std::optional<int64_t> parse_integer(const std::string& text, int base) {
  std::string digits = plain_digits(text);
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.erase(0, 1);
  if (digits.size() > 2 && digits[0] == '0') {
    const char letter = static_cast<char>(std::tolower(static_cast<unsigned char>(digits[1])));
    const int prefix = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (prefix != 0 && (base == prefix || base == 0)) {
      digits.erase(0, 2);
      base = prefix;
    }
  }
  if (digits.empty() || digits[0] == '-') return std::nullopt;
  if (negative) digits.insert(0, "-");
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value, base == 0 ? 10 : base);
  if (parsed.ec == std::errc::result_out_of_range) throw Fault("an integer exceeds 64 bits");
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional<int64_t>(value)
                                                       : std::nullopt;
}

std::optional<double> parse_float(const std::string& text) {
  std::string digits = to_lower(plain_digits(text));
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.erase(0, 1);
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value);
  if (digits.empty() || parsed.ptr != end || digits.find('(') != std::string::npos) {
    return std::nullopt;
  }
  if (parsed.ec == std::errc::result_out_of_range) {
    const bool tiny = digits.find("e-") != std::string::npos;
    return std::copysign(tiny ? 0.0 : HUGE_VAL, digits[0] == '-' ? -1.0 : 1.0);
  }
  return value;
}

int64_t truncated(double value) {
  if (!std::isfinite(value))
    throw Fault("cannot convert float " + float_repr(value) + " to integer");
  if (std::fabs(value) >= 9.2e18) throw Fault("an integer exceeds 64 bits");
  return static_cast<int64_t>(value);
}

Value to_integer(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("int", args, {"default", "base"});
  refuse_undefined(value);
  if (value.is_float()) return Value::integer(truncated(value.as_double()));
  if (value.is_number()) return Value::integer(value.as_int());
  if (value.is_string()) {
    const int64_t base = bound.integer(1, 10);
    if (base == 0 || (base >= 2 && base <= 36)) {
      if (const auto parsed = parse_integer(value.as_string(), static_cast<int>(base))) {
        return Value::integer(*parsed);
      }
    }
    const auto real = parse_float(value.as_string());
    if (real && std::isfinite(*real)) return Value::integer(truncated(*real));
  }
  return bound.has(0) ? bound.at(0) : Value::integer(0);
}

Value to_float(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("float", args, {"default"});
  refuse_undefined(value);
  if (value.is_number()) return Value::real(value.as_double());
  if (value.is_string()) {
    if (const auto parsed = parse_float(value.as_string())) return Value::real(*parsed);
  }
  return bound.has(0) ? bound.at(0) : Value::real(0.0);
}

Value absolute(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("abs", args, {});
  refuse_undefined(value);
  if (value.is_float()) return Value::real(std::fabs(value.as_double()));
  if (!value.is_number()) throw Fault("bad operand type for abs(): '" + value.type_name() + "'");
  return value.as_int() < 0 ? sign(value, true) : Value::integer(value.as_int());
}

/// Correctly rounded to `digits` decimals, halves to even, as Python's round.
double round_decimal(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 323) return value;
  if (digits < -308) return std::copysign(0.0, value);
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / scale) * scale;
  }
  char buffer[700];
  const int length = std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(digits), value);
  double rounded = value;
  std::from_chars(buffer, buffer + length, rounded);
  return rounded;
}

/// To a multiple of a power of ten, halves to even.
int64_t round_integer(int64_t value, int64_t digits) {
  if (digits >= 0) return value;
  if (digits < -18) return 0;
  int64_t scale = 1;
  for (int64_t i = digits; i < 0; ++i) scale *= 10;
  const int64_t rest = value % scale;
  const int64_t down = value - rest;
  const int64_t size = rest < 0 ? -rest : rest;
  const bool odd = (down / scale) % 2 != 0;
  if (size * 2 < scale || (size * 2 == scale && !odd)) return down;
  int64_t up = 0;
  if (__builtin_add_overflow(down, value < 0 ? -scale : scale, &up)) {
    throw Fault("an integer exceeds 64 bits");
  }
  return up;
}

Value round(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("round", args, {"precision", "method"});
  refuse_undefined(value);
  if (!value.is_number()) throw Fault("round needs a number, not " + value.type_name());
  const int64_t digits = bound.integer(0, 0);
  const std::string method = bound.has(1) ? bound.text(1) : "common";
  if (method == "common") {
    if (value.is_float()) return Value::real(round_decimal(value.as_double(), digits));
    return Value::integer(round_integer(value.as_int(), digits));
  }
  if (method != "ceil" && method != "floor") throw Fault("method must be common, ceil or floor");
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double scaled = value.as_double() * scale;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Value length(Interpreter&, const Value& value, const CallArgs& args) {
  const Bound bound("length", args, {});
  const auto size = value.length();
  if (!size) throw Fault("object of type '" + value.type_name() + "' has no len()");
  return Value::integer(static_cast<int64_t>(*size));
}

constexpr auto kFilters = std::to_array<NamedFilter>({
    {"abs", absolute},
    {"count", length},
    {"float", to_float},
    {"int", to_integer},
    {"length", length},
    {"round", round},
});

}  // namespace

FilterFunction find_number_filter(std::string_view name) { return find_in(kFilters, name); }

}  // namespace distill::jinja
