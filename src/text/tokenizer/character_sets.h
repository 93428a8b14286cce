// Classes of characters that the `tokenizers` library fixes at the Unicode version it was written
// for: a newer table of Unicode would give other tokens.
#pragma once

#include <cstdint>

namespace distill {

bool is_punctuation(char32_t code_point);      ///< general category P, and ASCII punctuation
bool is_nonspacing_mark(char32_t code_point);  ///< general category Mn
bool is_mark(char32_t code_point);             ///< general category M
/// General categories Cc, Cf and Co; not tab, line feed and carriage return.
bool is_control(char32_t code_point);

}  // namespace distill
