// Code points of valid UTF-8 and the character classes that tokenizers ask about.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace distill {

/// Bytes of the code point that starts with `lead`.
inline size_t utf8_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}
inline bool is_utf8_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// The code point at `at`; `text` must be valid UTF-8.
char32_t code_point_at(std::string_view text, size_t at);
void append_utf8(std::string& out, char32_t code_point);
std::string to_utf8(char32_t code_point);

/// One code point of `text` after another: `visit(code_point, begin, end)`.
template <typename Visit>
void for_each_code_point(std::string_view text, Visit&& visit) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = at + utf8_length(text[at]);
    visit(code_point_at(text, at), at, end);
    at = end;
  }
}

bool is_white_space(char32_t code_point);                  ///< White_Space
bool is_numeric(char32_t code_point);                      ///< general category N
bool is_word(char32_t code_point);                         ///< \w of UTS 18
void append_lower(std::string& out, char32_t code_point);  ///< full lower-case mapping

}  // namespace distill
