#include "config/text_check.h"

#include <cstdio>

namespace distill {
namespace {

unsigned char byte_at(std::string_view text, size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

// Bytes of the UTF-8 sequence that starts at `i`, or 0. The ranges of the second byte exclude
// overlong forms, surrogates and what lies beyond U+10FFFF (Unicode, table 3-7).
size_t sequence_length(std::string_view text, size_t i) {
  const auto continues = [&](size_t k, unsigned low = 0x80, unsigned high = 0xBF) {
    const unsigned byte = byte_at(text, i + k);
    return low <= byte && byte <= high;
  };
  const unsigned lead = byte_at(text, i);
  if (lead < 0x80) return 1;
  if (0xC2 <= lead && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (0xE0 <= lead && lead <= 0xEF) {
    const bool second = continues(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && continues(2) ? 3 : 0;
  }
  if (0xF0 <= lead && lead <= 0xF4) {
    const bool second = continues(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
    return second && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

std::string hexadecimal(unsigned byte) {
  char digits[8];
  std::snprintf(digits, sizeof digits, "0x%02x", byte);
  return digits;
}

}  // namespace

std::optional<BadText> find_bad_text(std::string_view text) {
  int line = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < text.size();) {
    const unsigned char byte = byte_at(text, i);
    const size_t length = sequence_length(text, i);
    const int column = static_cast<int>(i - line_start) + 1;
    if (length == 0) return BadText{line, column, "not UTF-8 text: byte " + hexadecimal(byte)};
    const bool control = byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
    if (control || byte == 0x7f) {
      return BadText{line, column, "not valid YAML: control character " + hexadecimal(byte)};
    }
    i += length;
    if (byte == '\n') {
      ++line;
      line_start = i;
    }
  }
  return std::nullopt;
}

int tab_in_indent(std::string_view text, int line) {
  for (int current = 1; current < line; ++current) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    text.remove_prefix(end + 1);
  }
  const size_t tab = text.find_first_not_of(' ');
  return tab < text.size() && text[tab] == '\t' ? static_cast<int>(tab) + 1 : 0;
}

}  // namespace distill
