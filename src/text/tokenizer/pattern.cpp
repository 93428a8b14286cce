#include "text/tokenizer/pattern.h"

#include "distill/core/error.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

void add_stretch(std::vector<Stretch>& out, size_t begin, size_t end, bool matched) {
  out.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), matched});
}

class LiteralPattern final : public Pattern {
 public:
  explicit LiteralPattern(std::string literal) : literal_(std::move(literal)) {}

  void cut(std::string_view text, std::vector<Stretch>& out) const override {
    size_t begin = 0;
    while (!literal_.empty() && begin < text.size()) {
      const size_t at = text.find(literal_, begin);
      if (at == std::string_view::npos) break;
      if (at > begin) add_stretch(out, begin, at, false);
      begin = at + literal_.size();
      add_stretch(out, at, begin, true);
    }
    if (begin < text.size()) add_stretch(out, begin, text.size(), false);
  }

 private:
  std::string literal_;
};

class ClassPattern final : public Pattern {
 public:
  explicit ClassPattern(bool (*member)(char32_t)) : member_(member) {}

  void cut(std::string_view text, std::vector<Stretch>& out) const override {
    size_t begin = 0;
    for_each_code_point(text, [&](char32_t code_point, size_t at, size_t end) {
      if (!member_(code_point)) return;
      if (at > begin) add_stretch(out, begin, at, false);
      add_stretch(out, at, end, true);
      begin = end;
    });
    if (begin < text.size()) add_stretch(out, begin, text.size(), false);
  }

 private:
  bool (*member_)(char32_t);
};

}  // namespace

std::unique_ptr<Pattern> literal_pattern(std::string literal) {
  return std::make_unique<LiteralPattern>(std::move(literal));
}

std::unique_ptr<Pattern> class_pattern(bool (*member)(char32_t)) {
  return std::make_unique<ClassPattern>(member);
}

std::unique_ptr<Pattern> parse_pattern(const Json& rules, const std::string& where) {
  if (rules.is_object() && rules.size() == 1) {
    if (rules.contains("Regex")) return regex_pattern(json_string(rules, "Regex", where), where);
    if (rules.contains("String")) return literal_pattern(json_string(rules, "String", where));
  }
  throw DataError(where + R"(: expected {"Regex": "..."} or {"String": "..."}, found )" +
                  rules.dump());
}

}  // namespace distill
