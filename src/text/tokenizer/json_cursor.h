// Walks through JSON text without building anything. Less strict than parse_json: what it skips is
// not checked.
#pragma once

#include <string>
#include <string_view>

namespace distill {

class JsonCursor {
 public:
  /// `text` must be valid UTF-8 and outlive the cursor; `where` names it in errors.
  JsonCursor(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  size_t at() const { return at_; }
  /// The next character that is no white space, not taken; 0 at the end.
  char peek();
  /// Takes `expected` if it is next.
  bool take(char expected);
  /// Throws DataError, with line and column, if anything else is next.
  void expect(char expected);
  /// A string: a view into the text, or into `buffer` if it has escapes.
  std::string_view string(std::string& buffer);
  int64_t integer();
  double number();
  void skip_value();
  [[noreturn]] void fail(const std::string& what) const;

  /// After the opening bracket: visits members or elements up to the closing one.
  template <typename Visit>
  void object(Visit&& visit) {
    expect('{');
    std::string buffer;
    if (take('}')) return;
    do {
      const std::string_view key = string(buffer);
      expect(':');
      visit(key);
    } while (take(','));
    expect('}');
  }
  template <typename Visit>
  void array(Visit&& visit) {
    expect('[');
    if (take(']')) return;
    do {
      visit();
    } while (take(','));
    expect(']');
  }

 private:
  void unescape(std::string& out);
  char32_t hex4();

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
};

}  // namespace distill
