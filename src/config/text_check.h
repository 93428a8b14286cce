// What yaml-cpp would read without a word, or stop at: text that is no UTF-8, control characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace distill {

struct BadText {
  int line;    ///< from 1
  int column;  ///< from 1, in bytes
  std::string what;
};

/// The first byte that is no text.
std::optional<BadText> find_bad_text(std::string_view text);

/// The column of the first tab in the white space that starts `line` (both from 1), or 0.
int tab_in_indent(std::string_view text, int line);

}  // namespace distill
