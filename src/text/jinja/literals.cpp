#include "text/jinja/literals.h"

#include <charconv>

#include "text/jinja/lexer.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

bool is_digit_at(std::string_view text, size_t at, int base) {
  return at < text.size() && digit_value(text[at]) < base;
}

/// Digits that single underscores may separate: the end of the run that starts at `at`.
size_t skip_digits(std::string_view text, size_t at, int base) {
  while (is_digit_at(text, at, base) ||
         (at < text.size() && text[at] == '_' && is_digit_at(text, at + 1, base))) {
    ++at;
  }
  return at;
}

std::string without_underscores(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '_') out.push_back(c);
  }
  return out;
}

/// The end of a float that starts with the digits [0, digits); `digits` if it is none.
size_t float_end(std::string_view text, size_t digits) {
  size_t end = digits;
  if (end < text.size() && text[end] == '.' && is_digit_at(text, end + 1, 10)) {
    end = skip_digits(text, end + 1, 10);
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (is_digit_at(text, exponent, 10)) end = skip_digits(text, exponent, 10);
  }
  return end;
}

int prefix_base(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return 10;
  const char letter = text[1];
  const int base = letter == 'x' || letter == 'X'   ? 16
                   : letter == 'o' || letter == 'O' ? 8
                   : letter == 'b' || letter == 'B' ? 2
                                                    : 10;
  const size_t first = text[2] == '_' ? 3 : 2;
  return is_digit_at(text, first, base) ? base : 10;
}

char32_t read_code(std::string_view body, size_t& at, size_t count, int base, int line) {
  char32_t code = 0;
  for (size_t i = 0; i < count; ++i, ++at) {
    if (!is_digit_at(body, at, base)) throw SyntaxFault(line, "a truncated escape in a string");
    code = code * static_cast<char32_t>(base) + static_cast<char32_t>(digit_value(body[at]));
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    throw SyntaxFault(line, "an escape in a string is no Unicode character");
  }
  return code;
}

char simple_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return c;
    default:
      return '\0';
  }
}

void append_escape(std::string& out, std::string_view body, size_t& at, int line) {
  const char c = body[at];
  if (const char simple = simple_escape(c)) {
    out.push_back(simple);
    ++at;
  } else if (c == '\n') {
    ++at;
  } else if (c >= '0' && c <= '7') {
    size_t count = 1;
    while (count < 3 && is_digit_at(body, at + count, 8)) ++count;
    append_code_point(out, read_code(body, at, count, 8, line));
  } else if (c == 'x' || c == 'u' || c == 'U') {
    ++at;
    append_code_point(out, read_code(body, at, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, line));
  } else if (c == 'N') {
    throw SyntaxFault(line, "the escape \\N{...} is not supported");
  } else if (static_cast<unsigned char>(c) >= 0x80) {
    throw SyntaxFault(line, "a backslash before a character outside ASCII is not supported");
  } else {
    out.push_back('\\');
  }
}

}  // namespace

NumberLiteral read_number(std::string_view text, bool after_dot, int line) {
  NumberLiteral number;
  const int base = prefix_base(text);
  if (base != 10) {
    number.length = skip_digits(text, 2, base);
  } else {
    // Decimal integers do not start with a zero, unless they are zero.
    const size_t digits = skip_digits(text, 0, 10);
    const size_t end = after_dot ? digits : float_end(text, digits);
    number.is_float = end > digits;
    number.length = number.is_float || text[0] != '0' ? end : skip_digits(text, 0, 1);
  }
  const std::string plain = without_underscores(text.substr(0, number.length));
  if (number.is_float) {
    const auto parsed = std::from_chars(plain.data(), plain.data() + plain.size(), number.real);
    if (parsed.ec != std::errc())
      throw SyntaxFault(line, "the number " + plain + " is out of range");
    return number;
  }
  const char* begin = plain.data() + (base == 10 ? 0 : 2);
  const auto parsed = std::from_chars(begin, plain.data() + plain.size(), number.integer, base);
  if (parsed.ec != std::errc())
    throw SyntaxFault(line, "the integer " + plain + " exceeds 64 bits");
  return number;
}

std::string unescape(std::string_view body, int line) {
  std::string out;
  for (size_t at = 0; at < body.size();) {
    if (body[at] == '\\' && at + 1 < body.size()) {
      append_escape(out, body, ++at, line);
    } else {
      out.push_back(body[at++]);
    }
  }
  return out;
}

}  // namespace distill::jinja
