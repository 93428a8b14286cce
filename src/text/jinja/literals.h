// Numbers and strings as template source writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace distill::jinja {

struct NumberLiteral {
  size_t length = 0;
  bool is_float = false;
  int64_t integer = 0;
  double real = 0;
};

/// The number at the start of `text`. After a dot (`list.1.2`) only integers are read.
NumberLiteral read_number(std::string_view text, bool after_dot, int line);

/// The value of a string literal, without its quotes: Python's escapes, but \N{...}.
std::string unescape(std::string_view body, int line);

}  // namespace distill::jinja
