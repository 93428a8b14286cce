#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>

#include "text/jinja/literals.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

constexpr auto kOperators = std::to_array<std::string_view>(
    {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
     "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"});

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out.push_back(source[i]);
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      out.push_back('\n');
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size()) {
    size_t next = at;
    if (!is_space(next_code_point(text, next))) break;
    at = next;
  }
  return at;
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) lex_data();
    push(Token::Type::kEnd, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }

  void advance(size_t end) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at_ = end;
  }

  void push(Token::Type type, std::string text) {
    Token token;
    token.type = type;
    token.text = std::move(text);
    token.line = line_;
    tokens_.push_back(std::move(token));
  }

  /// Text up to the next tag, then the tag.
  void lex_data() {
    const size_t tag = find_tag(at_);
    if (tag == std::string::npos) {
      push(Token::Type::kData, source_.substr(at_));
      return advance(source_.size());
    }
    const char kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    push_data(tag, sign, kind != '{');
    size_t inside = tag + 2;
    if (sign == '-' || sign == '+') ++inside;
    if (kind == '#') return lex_comment(inside);
    if (kind == '%') {
      const size_t raw = raw_body(inside);
      if (raw != std::string::npos) return lex_raw(raw);
    }
    lex_tag(inside, kind == '{');
  }

  size_t find_tag(size_t from) const {
    for (size_t at = source_.find('{', from); at != std::string::npos;
         at = source_.find('{', at + 1)) {
      if (at + 1 < source_.size() &&
          std::string_view("{%#").find(source_[at + 1]) != std::string::npos) {
        return at;
      }
    }
    return std::string::npos;
  }

  /// The text before a tag at `end`: `-` strips what is white at its end, and without `+` a block
  /// or comment alone at the start of its line loses the blanks before it.
  void push_data(size_t end, char sign, bool strip_line_start) {
    std::string_view text = std::string_view(source_).substr(at_, end - at_);
    if (sign == '-') {
      text = strip_space(text, Side::kRight);
    } else if (sign != '+' && strip_line_start) {
      const size_t newline = text.rfind('\n');
      const size_t start = newline == std::string_view::npos ? 0 : newline + 1;
      const bool at_line_start = start > 0 || at_line_start_;
      if (at_line_start && skip_space(text, start) == text.size()) text = text.substr(0, start);
    }
    if (!text.empty()) push(Token::Type::kData, std::string(text));
    advance(end);
  }

  /// Moves past a tag end of `length` bytes and the white space that it takes with it.
  void close_tag(size_t end, bool strips_all, bool strips_newline) {
    size_t next = end;
    if (strips_all) {
      next = skip_space(source_, end);
    } else if (strips_newline && end < source_.size() && source_[end] == '\n') {
      next = end + 1;
    }
    advance(next);
    at_line_start_ = source_[next - 1] == '\n';
  }

  void lex_comment(size_t inside) {
    const size_t end = source_.find("#}", inside);
    if (end == std::string::npos) throw SyntaxFault(line_, "missing end of comment tag");
    const char sign = end > inside ? source_[end - 1] : '\0';
    close_tag(end + 2, sign == '-', sign != '+');
  }

  /// Where the body of a raw block starts if the tag opened before `at` is one; else npos.
  size_t raw_body(size_t at) {
    at = skip_space(source_, at);
    if (source_.compare(at, 3, "raw") != 0) return std::string::npos;
    at = skip_space(source_, at + 3);
    if (source_.compare(at, 3, "-%}") == 0) return skip_space(source_, at + 3);
    return source_.compare(at, 2, "%}") == 0 ? at + 2 : std::string::npos;
  }

  void lex_raw(size_t body) {
    advance(body);
    at_line_start_ = source_[body - 1] == '\n';
    for (size_t tag = source_.find("{%", body); tag != std::string::npos;
         tag = source_.find("{%", tag + 1)) {
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      size_t at = skip_space(source_, tag + (sign == '-' || sign == '+' ? 3 : 2));
      if (source_.compare(at, 6, "endraw") != 0) continue;
      at = skip_space(source_, at + 6);
      const char end_sign = at < source_.size() ? source_[at] : '\0';
      if (end_sign == '-' || end_sign == '+') ++at;
      if (source_.compare(at, 2, "%}") != 0) continue;
      push_data(tag, sign, true);
      return close_tag(at + 2, end_sign == '-', end_sign != '+');
    }
    throw SyntaxFault(line_, "missing end of raw block");
  }

  void lex_tag(size_t inside, bool variable) {
    push(variable ? Token::Type::kVariableBegin : Token::Type::kBlockBegin, "");
    advance(inside);
    std::vector<char> open;
    const std::string_view end = variable ? "}}" : "%}";
    while (at_ < source_.size()) {
      if (open.empty()) {
        const bool signed_end = source_[at_] == '-' || (!variable && source_[at_] == '+');
        const size_t skip = signed_end ? 1 : 0;
        if (source_.compare(at_ + skip, 2, end) == 0) {
          const bool strips_all = source_[at_] == '-';
          push(variable ? Token::Type::kVariableEnd : Token::Type::kBlockEnd, "");
          return close_tag(at_ + skip + 2, strips_all, !variable && skip == 0);
        }
      }
      lex_token(open);
    }
  }

  void lex_token(std::vector<char>& open) {
    const size_t space_end = skip_space(source_, at_);
    if (space_end > at_) return advance(space_end);
    const char c = source_[at_];
    if (c >= '0' && c <= '9') return lex_number();
    if (is_name_byte(c)) {
      size_t end = at_;
      while (end < source_.size() && is_name_byte(source_[end])) ++end;
      push(Token::Type::kName, source_.substr(at_, end - at_));
      return advance(end);
    }
    if (c == '"' || c == '\'') return lex_string(c);
    for (const std::string_view op : kOperators) {
      if (!rest().starts_with(op)) continue;
      balance(op[0], open);
      push(Token::Type::kOperator, std::string(op));
      return advance(at_ + op.size());
    }
    size_t next = at_;
    next_code_point(source_, next);
    throw SyntaxFault(line_, "unexpected character '" + source_.substr(at_, next - at_) + "'");
  }

  void balance(char c, std::vector<char>& open) const {
    if (c == '(') open.push_back(')');
    if (c == '[') open.push_back(']');
    if (c == '{') open.push_back('}');
    if (c != ')' && c != ']' && c != '}') return;
    if (open.empty()) throw SyntaxFault(line_, std::string("unexpected '") + c + "'");
    if (open.back() != c) {
      throw SyntaxFault(line_,
                        std::string("unexpected '") + c + "', expected '" + open.back() + "'");
    }
    open.pop_back();
  }

  void lex_number() {
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    const NumberLiteral number = read_number(rest(), after_dot, line_);
    push(number.is_float ? Token::Type::kFloat : Token::Type::kInteger,
         source_.substr(at_, number.length));
    tokens_.back().integer = number.integer;
    tokens_.back().real = number.real;
    advance(at_ + number.length);
  }

  void lex_string(char quote) {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) {
      end += source_[end] == '\\' ? size_t{2} : size_t{1};
    }
    if (end >= source_.size()) throw SyntaxFault(line_, "a string is not closed");
    push(Token::Type::kString,
         unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1), line_));
    advance(end + 1);
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool at_line_start_ = true;  // what was read last ends with a newline, or nothing was read
  std::vector<Token> tokens_;
};

}  // namespace

std::string Token::describe() const {
  switch (type) {
    case Type::kData:
      return "text";
    case Type::kVariableBegin:
      return "'{{'";
    case Type::kVariableEnd:
      return "the end of the print statement";
    case Type::kBlockBegin:
      return "'{%'";
    case Type::kBlockEnd:
      return "the end of the statement";
    case Type::kString:
      return "a string";
    case Type::kEnd:
      return "the end of the template";
    default:
      return "'" + text + "'";
  }
}

std::vector<Token> tokenize(std::string_view source) {
  return Lexer(normalize_newlines(source)).run();
}

}  // namespace distill::jinja
