// Regular expressions on PCRE2, compiled to machine code. Matching needs scratch space: one a
// thread.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <optional>

#include "distill/core/error.h"
#include "text/tokenizer/pattern.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

constexpr size_t kJitStackStart = 32 << 10;
constexpr size_t kJitStackLimit = 8 << 20;

std::string message_of(int error) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

struct Scratch {
  Scratch()
      : match(pcre2_match_data_create(1, nullptr)),
        context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(kJitStackStart, kJitStackLimit, nullptr)) {
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~Scratch() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(match);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  pcre2_match_data* match;
  pcre2_match_context* context;
  pcre2_jit_stack* stack;
};

Scratch& scratch() {
  thread_local Scratch one;
  return one;
}

class RegexPattern final : public Pattern {
 public:
  RegexPattern(const std::string& expression, std::string where) : where_(std::move(where)) {
    const std::string translated = translate_regex(expression, where_);
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                          &offset, context);
    pcre2_compile_context_free(context);
    if (code_ == nullptr) {
      throw DataError(where_ + ": the regular expression " + translated + " is wrong at byte " +
                      std::to_string(offset) + ": " + message_of(error));
    }
    has_jit_ = pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE) == 0;
  }
  ~RegexPattern() override { pcre2_code_free(code_); }
  RegexPattern(const RegexPattern&) = delete;
  RegexPattern& operator=(const RegexPattern&) = delete;

  void cut(std::string_view text, std::vector<Stretch>& out) const override {
    Scratch& space = scratch();
    size_t done = 0;   // the text before is in `out`
    size_t start = 0;  // the search goes on here
    bool after_match = false;
    while (start <= text.size() && find(text, start, space)) {
      const PCRE2_SIZE* found = pcre2_get_ovector_pointer(space.match);
      const size_t begin = found[0], end = found[1];
      // \K in a group that a lookaround calls: the search would never end.
      if (begin < start || begin > end) throw DataError(where_ + ": a match ends before it begins");
      if (begin == end && after_match && end == done) {  // nothing, right behind a match
        if (start == text.size()) break;
        start += utf8_length(text[start]);
        continue;
      }
      if (begin > done) add(out, done, begin, false);
      add(out, begin, end, true);
      start = done = end;
      after_match = true;
    }
    if (done < text.size()) add(out, done, text.size(), false);
  }

 private:
  static void add(std::vector<Stretch>& out, size_t begin, size_t end, bool matched) {
    out.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), matched});
  }

  bool find(std::string_view text, size_t start, Scratch& space) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int found = PCRE2_ERROR_JIT_STACKLIMIT;
    if (has_jit_) {
      found = pcre2_jit_match(code_, subject, text.size(), start, 0, space.match, space.context);
    }
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter keeps its state on the heap
      found = pcre2_match(code_, subject, text.size(), start, PCRE2_NO_JIT | PCRE2_NO_UTF_CHECK,
                          space.match, space.context);
    }
    if (found == PCRE2_ERROR_NOMATCH) return false;
    if (found < 0) {
      throw DataError(where_ + ": the regular expression failed on a text of " +
                      std::to_string(text.size()) + " bytes: " + message_of(found));
    }
    return true;
  }

  std::string where_;
  pcre2_code* code_ = nullptr;
  bool has_jit_ = false;
};

}  // namespace

std::unique_ptr<Pattern> regex_pattern(const std::string& expression, const std::string& where) {
  return std::make_unique<RegexPattern>(expression, where);
}

}  // namespace distill
