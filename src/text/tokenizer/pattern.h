// What cuts a text: a regular expression, a fixed string, or a class of characters.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "distill/io/json.h"

namespace distill {

/// Bytes [begin, end) of the searched text, which the pattern matched or did not.
struct Stretch {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool matched = false;
};

class Pattern {
 public:
  virtual ~Pattern() = default;
  /// Appends the matches and what lies between them, in order; together they are the whole text.
  virtual void cut(std::string_view text, std::vector<Stretch>& out) const = 0;
};

/// A regular expression in Oniguruma's dialect, as tokenizer.json writes them. Throws DataError for
/// syntax, and for constructs that mean something else here.
std::unique_ptr<Pattern> regex_pattern(const std::string& expression, const std::string& where);
/// Never matches if `literal` is empty.
std::unique_ptr<Pattern> literal_pattern(std::string literal);
/// Matches each code point of a class by itself.
std::unique_ptr<Pattern> class_pattern(bool (*member)(char32_t));

/// {"Regex": "..."} or {"String": "..."}.
std::unique_ptr<Pattern> parse_pattern(const Json& rules, const std::string& where);

/// The expression in PCRE2's dialect; `where` names it in errors.
std::string translate_regex(const std::string& expression, const std::string& where);

}  // namespace distill
