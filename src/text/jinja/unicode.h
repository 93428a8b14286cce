// Strings as Python sees them: indexed by code point, with Unicode's case rules. Texts are valid
// UTF-8; broken bytes are taken one by one, never read past the end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace distill::jinja {

char32_t next_code_point(std::string_view text, size_t& position);
void append_code_point(std::string& text, char32_t code_point);
std::u32string decode(std::string_view text);
std::string encode(std::u32string_view code_points);
size_t count_code_points(std::string_view text);

/// str.isspace, which is also what `\s` matches in Python's regular expressions.
bool is_space(char32_t c);
/// str.isprintable: repr writes the others as escapes.
bool is_printable(char32_t c);
bool is_lower(char32_t c);
bool is_upper(char32_t c);
bool is_alpha(char32_t c);
bool is_digit(char32_t c);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_title(std::string_view text);
std::string capitalize(std::string_view text);

/// Ends of the text that `strip` removes.
enum class Side { kLeft, kRight, kBoth };
std::string_view strip_space(std::string_view text, Side side);
std::string_view strip_characters(std::string_view text, std::string_view characters, Side side);
/// str.splitlines without the line ends.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends = false);

}  // namespace distill::jinja
