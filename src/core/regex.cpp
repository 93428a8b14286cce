#define PCRE2_CODE_UNIT_WIDTH 8
#include "distill/core/regex.h"

#include <pcre2.h>

#include "distill/core/error.h"

namespace distill {
namespace {

std::string message_of(int error) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

struct Compiled {
  std::shared_ptr<pcre2_code> code;  // null: see problem
  std::string problem;
};

Compiled compile(const std::string& expression) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(units(expression), expression.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (code != nullptr) return {{code, pcre2_code_free}, {}};
  return {nullptr, "the regular expression '" + expression + "' is wrong at byte " +
                       std::to_string(offset) + ": " + message_of(error)};
}

}  // namespace

Regex::Regex(const std::string& expression) {
  Compiled compiled = compile(expression);
  if (!compiled.code) throw ConfigError(compiled.problem);
  code_ = std::move(compiled.code);
}

bool Regex::found_in(std::string_view text) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const std::shared_ptr<pcre2_match_data> match(pcre2_match_data_create_from_pattern(code, nullptr),
                                                pcre2_match_data_free);
  const int found = pcre2_match(code, units(text), text.size(), 0, 0, match.get(), nullptr);
  if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
    throw ConfigError("a regular expression failed on '" + std::string(text) +
                      "': " + message_of(found));
  }
  return found >= 0;
}

std::string regex_problem(const std::string& expression) { return compile(expression).problem; }

}  // namespace distill
