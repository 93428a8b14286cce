// From Oniguruma's dialect to PCRE2's. With UCP, PCRE2's \s takes U+180E in, its \w leaves marks
// and connectors out, and its \h is horizontal space instead of a hexadecimal digit.
#include "distill/core/error.h"
#include "text/tokenizer/pattern.h"

namespace distill {
namespace {

constexpr std::string_view kSpace = R"(\t-\r\x{85}\p{Z})";
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
// Oniguruma asks another table outside classes, which has the fractions and superscripts of
// Latin-1.
constexpr std::string_view kWordAlone =
    R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr std::string_view kHex = "0-9a-fA-F";

class Translator {
 public:
  Translator(const std::string& from, const std::string& where) : from_(from), where_(where) {}

  std::string translate() {
    while (at_ < from_.size()) {
      if (from_[at_] == '\\') {
        escape();
      } else if (in_class_) {
        class_member();
      } else if (from_[at_] == '[') {
        open_class();
      } else if (from_.compare(at_, 2, "{,") == 0) {
        take("{0,", 2);
      } else {
        copy(1);
      }
    }
    return std::move(out_);
  }

 private:
  void copy(size_t bytes) {
    out_ += from_.substr(at_, bytes);
    at_ += bytes;
  }
  void take(std::string_view text, size_t bytes) {
    out_ += text;
    at_ += bytes;
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw DataError(where_ + ": the regular expression " + from_ + " has " + what + " at byte " +
                    std::to_string(at_) + ", which is not supported");
  }

  void escape() {
    if (at_ + 1 >= from_.size()) return copy(1);  // PCRE2 says that the backslash is the last
    switch (const char kind = from_[at_ + 1]) {
      case 's':
        return member_of(kSpace);
      case 'w':
        return member_of(in_class_ ? kWord : kWordAlone);
      case 'h':
        return member_of(kHex);
      case 'S':  // inside a class: PCRE2's own, and the one that it leaves out
        return in_class_ ? take(R"(\S\x{180E})", 2) : not_member_of(kSpace);
      case 'W':
      case 'H':
        if (in_class_) refuse(std::string("\\") + kind + " inside a class");
        return not_member_of(kind == 'W' ? kWordAlone : kHex);
      case 'b':
      case 'B':
        return in_class_ ? copy(2) : boundary(kind == 'b');
      case 'u':
        if (from_.size() < at_ + 6) refuse("a \\u without four digits");
        out_ += "\\x{" + from_.substr(at_ + 2, 4) + "}";
        at_ += 6;
        return;
      default:
        return copy(2);
    }
  }
  void member_of(std::string_view members) {
    if (in_class_) return take(members, 2);
    out_.append("[").append(members);
    take("]", 2);
  }
  void not_member_of(std::string_view members) {
    out_.append("[^").append(members);
    take("]", 2);
  }
  void boundary(bool wanted) {
    out_ += wanted ? "(?:" : "(?!";
    for (const char* part : {"(?<![", "])(?=[", "])|(?<=[", "])(?!["}) {
      out_.append(part).append(kWordAlone);
    }
    take("]))", 2);
  }

  void open_class() {
    in_class_ = true;
    copy(from_.compare(at_, 2, "[^") == 0 ? 2 : 1);
    if (at_ < from_.size() && from_[at_] == ']') copy(1);  // first in a class it is a character
  }

  void class_member() {
    if (from_[at_] == ']') {
      in_class_ = false;
      return copy(1);
    }
    if (from_.compare(at_, 9, "[:space:]") == 0) return take(kSpace, 9);
    if (from_.compare(at_, 8, "[:word:]") == 0) return take(kWord, 8);
    if (from_.compare(at_, 2, "[:") == 0) {
      const size_t end = from_.find(":]", at_);
      if (end != std::string::npos) return copy(end + 2 - at_);
    }
    if (from_[at_] == '[') refuse("a class inside a class");
    if (from_.compare(at_, 2, "&&") == 0) refuse("an intersection of classes");
    copy(1);
  }

  const std::string& from_;
  const std::string& where_;
  std::string out_;
  size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace

std::string translate_regex(const std::string& expression, const std::string& where) {
  return Translator(expression, where).translate();
}

}  // namespace distill
