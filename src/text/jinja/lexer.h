// Template source to tokens, with the settings of chat templates: trim_blocks, lstrip_blocks, one
// newline at the end of the source dropped, line ends normalised to \n.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace distill::jinja {

/// An error of the template itself, found before anything runs.
class SyntaxFault : public Fault {
 public:
  SyntaxFault(int line, const std::string& message) : Fault(message), line_(line) {}
  int line() const { return line_; }

 private:
  int line_;
};

struct Token {
  enum class Type {
    kData,
    kVariableBegin,
    kVariableEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,
    kInteger,
    kFloat,
    kOperator,
    kEnd
  };
  Type type = Type::kEnd;
  std::string text;  // data, name, operator, or the value of a string
  int64_t integer = 0;
  double real = 0;
  int line = 1;

  bool is_operator(std::string_view name) const { return type == Type::kOperator && text == name; }
  bool is_name(std::string_view name) const { return type == Type::kName && text == name; }
  /// For messages.
  std::string describe() const;
};

/// The last token is kEnd. Throws SyntaxFault.
std::vector<Token> tokenize(std::string_view source);

}  // namespace distill::jinja
