// NFC, NFD, NFKC, NFKD. Texts that are normal already, which nearly all are, pass untouched; others
// are normalized character by character, because utf8proc does not say what came from where.
#include "text/tokenizer/unicode_forms.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "text/tokenizer/realign.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

// `change` as in realign.h.
struct Character {
  utf8proc_int32_t code_point = 0;
  int change = 0;
  int combining_class = 0;
};

int combining_class(utf8proc_int32_t code_point) {
  return utf8proc_get_property(code_point)->combining_class;
}

std::vector<Character> decompose(std::string_view text, utf8proc_option_t options) {
  std::vector<Character> out;
  size_t ready = 0;  // characters before are in canonical order
  const auto sort_marks = [&] {
    std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(ready), out.end(),
                     [](const Character& a, const Character& b) {
                       return a.combining_class < b.combining_class;
                     });
  };
  for_each_code_point(text, [&](char32_t code_point, size_t, size_t) {
    std::array<utf8proc_int32_t, 32> parts{};  // the longest decomposition has 18
    int last_boundclass = 0;
    const auto count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(code_point), parts.data(),
        static_cast<utf8proc_ssize_t>(parts.size()), options, &last_boundclass);
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      const int order = combining_class(parts[i]);
      if (order == 0) {
        sort_marks();
        ready = out.size() + 1;
      }
      out.push_back({parts[i], i == 0 ? 0 : 1, order});
    }
  });
  sort_marks();
  return out;
}

// The character that a and b make together, or 0.
utf8proc_int32_t compose(utf8proc_int32_t a, utf8proc_int32_t b) {
  std::array<utf8proc_int32_t, 2> pair{a, b};
  const auto left = utf8proc_normalize_utf32(
      pair.data(), 2, static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  return left == 1 ? pair[0] : 0;
}

void recompose(std::vector<Character>& text) {
  size_t count = 0;
  size_t starter = text.size();  // none yet
  int last_class = -1;           // of what stands between the starter and here; -1 is nothing
  for (const Character character : text) {
    const bool blocked = last_class >= character.combining_class;
    if (starter < count && !blocked) {
      if (const auto whole = compose(text[starter].code_point, character.code_point)) {
        text[starter].code_point = whole;
        text[starter].change += character.change - 1;
        continue;
      }
    }
    if (character.combining_class == 0) {
      starter = count;
      last_class = -1;
    } else {
      last_class = character.combining_class;
    }
    text[count++] = character;
  }
  text.resize(count);
}

class UnicodeForm final : public Normalizer {
 public:
  UnicodeForm(bool composed, bool compatible) : composed_(composed) {
    if (compatible) decomposition_ = UTF8PROC_COMPAT;
  }

  AlignedText apply(AlignedText text) const override {
    if (is_normal(text.text())) return text;
    std::vector<Character> characters =
        decompose(text.text(), static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | decomposition_));
    if (composed_) recompose(characters);
    return realign(text, characters);
  }

 private:
  bool is_normal(const std::string& text) const {
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (std::all_of(text.begin(), text.end(), is_ascii)) return true;
    utf8proc_uint8_t* normal = nullptr;
    const int form = composed_ ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
    const auto size =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                     static_cast<utf8proc_ssize_t>(text.size()), &normal,
                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | form | decomposition_));
    const bool same = size >= 0 && std::string_view(reinterpret_cast<const char*>(normal),
                                                    static_cast<size_t>(size)) == text;
    std::free(normal);
    return same;
  }

  bool composed_;
  int decomposition_ = 0;  // further options of utf8proc
};

}  // namespace

std::unique_ptr<Normalizer> make_unicode_form(const std::string& name) {
  if (name == "NFC") return std::make_unique<UnicodeForm>(true, false);
  if (name == "NFD") return std::make_unique<UnicodeForm>(false, false);
  if (name == "NFKC") return std::make_unique<UnicodeForm>(true, true);
  if (name == "NFKD") return std::make_unique<UnicodeForm>(false, true);
  return nullptr;
}

}  // namespace distill
