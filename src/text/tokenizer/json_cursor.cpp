#include "text/tokenizer/json_cursor.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "distill/core/error.h"
#include "text/tokenizer/unicode.h"

namespace distill {

void JsonCursor::fail(const std::string& what) const {
  const std::string_view before = text_.substr(0, at_);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t column = at_ - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  throw DataError(where_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + what);
}

char JsonCursor::peek() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return c;
    ++at_;
  }
  return 0;
}

bool JsonCursor::take(char expected) {
  if (peek() != expected || at_ == text_.size()) return false;
  ++at_;
  return true;
}

void JsonCursor::expect(char expected) {
  if (!take(expected)) fail(std::string("expected '") + expected + "'");
}

std::string_view JsonCursor::string(std::string& buffer) {
  expect('"');
  const size_t begin = at_;
  while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x20) {
    if (text_[at_] == '"') return text_.substr(begin, at_++ - begin);
    if (text_[at_] == '\\') {
      buffer.assign(text_.substr(begin, at_ - begin));
      unescape(buffer);
      return buffer;
    }
    ++at_;
  }
  fail(at_ == text_.size() ? "a string without end" : "a control character inside a string");
}

void JsonCursor::unescape(std::string& out) {
  constexpr std::string_view kNames = "\"\\/bfnrt", kCharacters = "\"\\/\b\f\n\r\t";
  while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x20) {
    const char c = text_[at_++];
    if (c == '"') return;
    if (c != '\\') {
      out += c;
      continue;
    }
    const char name = at_ < text_.size() ? text_[at_++] : '\0';
    if (name != 'u') {
      const size_t known = kNames.find(name);
      if (known == std::string_view::npos) fail("an unknown escape");
      out += kCharacters[known];
      continue;
    }
    char32_t code_point = hex4();
    if (code_point >= 0xD800 && code_point < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const char32_t low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("half a surrogate pair");
      code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code_point >= 0xD800 && code_point <= 0xDFFF) fail("half a surrogate pair");
    append_utf8(out, code_point);
  }
  fail("a string without end");
}

char32_t JsonCursor::hex4() {
  uint32_t value = 0;
  const std::string_view digits = text_.substr(at_, 4);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + 4) fail("expected four hexadecimal digits");
  at_ += 4;
  return value;
}

int64_t JsonCursor::integer() {
  peek();
  int64_t value = 0;
  const char* const begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  if (error != std::errc()) fail("expected an integer");
  at_ += static_cast<size_t>(end - begin);
  return value;
}

double JsonCursor::number() {
  const char first = peek();
  double value = 0;
  const char* const begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  // from_chars takes "inf" and "nan" too.
  if (error != std::errc() || (first != '-' && (first < '0' || first > '9')) ||
      !std::isfinite(value)) {
    fail("expected a number");
  }
  at_ += static_cast<size_t>(end - begin);
  return value;
}

void JsonCursor::skip_value() {
  std::string buffer;
  size_t depth = 0;
  do {
    const char c = peek();
    if (at_ == text_.size()) fail("the text ends inside a value");
    if (c == '"') {
      string(buffer);
    } else {
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        if (depth == 0) fail("expected a value");
        --depth;
      }
      ++at_;
    }
    // A number or a name goes on up to what may follow it.
    while (depth == 0 && at_ < text_.size() && c != '"' && c != '}' && c != ']' &&
           std::string_view(",}] \n\t\r").find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
  } while (depth > 0);
}

}  // namespace distill
