// Values as text: str, repr and json.dumps of Python.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace distill::jinja {

/// A string under construction that cannot outgrow kMaxTextBytes.
class BoundedText {
 public:
  void append(std::string_view text);
  void append(size_t count, std::string_view text);
  void append_code_point(char32_t code_point);
  size_t size() const { return text_.size(); }
  const std::string& view() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// What `{{ value }}` prints. Throws Fault for what Python prints as an address.
std::string to_text(const Value& value);
std::string to_repr(const Value& value);
std::string float_repr(double value);
/// A string with &, <, >, ' and " as HTML entities.
std::string escape_html(std::string_view text);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // one level
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

std::string to_json(const Value& value, const JsonStyle& style);

/// Order of two values: Python's `<`. Throws Fault for types that have none.
bool less(const Value& a, const Value& b, std::string_view op = "<");

}  // namespace distill::jinja
