#include "text/tokenizer/parts.h"

#include "text/tokenizer/unicode.h"

namespace distill {

std::string part_type(const Json& rules, const std::string& where) {
  if (!rules.is_object()) {
    throw DataError(where + ": expected an object with a type, found " + rules.dump());
  }
  return json_string(rules, "type", where);
}

void refuse_part(const std::string& type, const std::string& where, const std::string& known) {
  throw DataError(where + ": the type " + type + " is not supported; supported are " + known);
}

std::string json_character(const Json& rules, const std::string& key, const std::string& where) {
  std::string text = json_string(rules, key, where);
  if (text.empty() || utf8_length(text[0]) != text.size()) {
    throw DataError(where + ": " + key + ": expected one character, found \"" + text + "\"");
  }
  return text;
}

}  // namespace distill
