#include "config/value_writer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "config/diagnostics.h"

namespace distill {
namespace {

template <typename T>
std::string shortest(T value) {
  std::array<char, 32> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

std::string write(bool value) { return value ? "true" : "false"; }
std::string write(int64_t value) { return shortest(value); }
std::string write(const std::string& value) { return yaml_string(value); }

// 2e-05 is a string to YAML 1.1: 2.0e-05.
std::string write(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  std::string text = shortest(value);
  if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

template <typename T>
std::string write(const std::optional<T>& value) {
  return value ? write(*value) : "null";
}

template <typename T>
std::string write(const std::vector<T>& values) {
  std::string text = "[";
  for (const T& value : values) text += (text.size() > 1 ? ", " : "") + write(value);
  return text + "]";
}

std::string write(const StringPairs& pairs) {
  std::string text = "{";
  for (const auto& [key, value] : pairs) {
    text += (text.size() > 1 ? ", " : "") + write(key) + ": " + write(value);
  }
  return text + "}";
}

std::string write(const StepSpan& span) {
  return span.steps > 0 ? write(span.steps) : write(span.share);
}

std::string write(const Number& number) {
  if (number.shape() == Number::Shape::kConstant) return write(number.last());
  std::string text = "{from: " + write(number.first()) + ", to: " + write(number.last());
  if (number.over() != StepSpan{}) text += ", over: " + write(number.over());
  for (const auto& [name, shape] : Number::shapes()) {
    if (shape == number.shape()) text += ", shape: " + name;
  }
  return text + "}";
}

bool is_alphabetic(char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z'); }

// Nothing that any YAML reader takes for a number, a date, a truth value or syntax.
bool is_safe_plain(std::string_view text) {
  if (text.empty() || !(is_alphabetic(text[0]) || text[0] == '_' || text[0] == '/')) return false;
  for (const char c : text) {
    const bool digit = '0' <= c && c <= '9';
    if (!is_alphabetic(c) && !digit &&
        std::string_view("_./+@=-").find(c) == std::string_view::npos)
      return false;
  }
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* word : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}) {
    if (lower == word) return false;
  }
  return true;
}

std::string name_of(const bool*) { return "true or false"; }
std::string name_of(const int64_t*) { return "integer"; }
std::string name_of(const double*) { return "number"; }
std::string name_of(const std::string*) { return "string"; }
std::string name_of(const StringPairs*) { return "mapping of strings or null"; }
std::string name_of(const Number*) { return "number"; }
std::string name_of(const StepSpan*) { return "steps or share of the run"; }

template <typename T>
struct Unwrapped {
  using Type = T;
  static constexpr bool kOptional = false, kList = false;
};
template <typename T>
struct Unwrapped<std::optional<T>> {
  using Type = T;
  static constexpr bool kOptional = true, kList = false;
};
template <typename T>
struct Unwrapped<std::vector<T>> {
  using Type = T;
  static constexpr bool kOptional = false, kList = true;
};
template <>
struct Unwrapped<StringPairs> {
  using Type = StringPairs;
  static constexpr bool kOptional = false, kList = false;
};

}  // namespace

std::string to_yaml(const FieldValue& value) {
  return std::visit([](const auto* typed) { return write(*typed); }, value);
}

std::string yaml_string(std::string_view text) {
  if (is_safe_plain(text)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\x%02x", unsigned{byte});
      quoted += escape.data();
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string range_text(const Field& field) {
  std::string text;
  const auto bound = [&text](const char* sign, double value) {
    if (std::isinf(value)) return;
    const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
    const std::string number = whole ? shortest(static_cast<int64_t>(value)) : shortest(value);
    text += (text.empty() ? "" : " and ") + std::string(sign) + number;
  };
  bound("> ", field.above);
  bound(">= ", field.min);
  bound("< ", field.below);
  bound("<= ", field.max);
  return text;
}

std::string type_text(const FieldValue& value, const Field& field) {
  return std::visit(
      [&field]<typename T>(const T*) {
        using Kind = Unwrapped<T>;
        std::string text = name_of(static_cast<const typename Kind::Type*>(nullptr));
        if (Kind::kList) text = "list of " + (text == "true or false" ? text : text + "s");
        if (!field.choices.empty()) {
          text = (Kind::kList ? "list of: " : "one of ") + join_names(field.choices);
        }
        const std::string range = range_text(field);
        if (!range.empty()) text += ' ' + range;
        if (Kind::kOptional) text += " or null";
        if (std::is_same_v<T, Number>) text += " or schedule";
        return text;
      },
      value);
}

}  // namespace distill
