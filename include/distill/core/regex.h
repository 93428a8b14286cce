// Regular expressions that a configuration gives, on PCRE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace distill {

/// A Perl-compatible regular expression over UTF-8.
class Regex {
 public:
  /// Throws ConfigError for what regex_problem() finds.
  explicit Regex(const std::string& expression);

  /// Whether there is a match anywhere in `text`, as with Python's re.search. Throws ConfigError
  /// where the search fails: it runs away (PCRE2's limits), or the text is not UTF-8.
  bool found_in(std::string_view text) const;

 private:
  std::shared_ptr<void> code_;
};

/// What is wrong with the expression, in PCRE2's words and with the byte where; or empty.
std::string regex_problem(const std::string& expression);

}  // namespace distill
