// Upper, lower and title case with Unicode's special casings, which utf8proc leaves out.
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

struct SpecialCase {
  char32_t from;
  std::u32string_view upper;
};

// The letters whose upper case has several code points (SpecialCasing.txt), but U+1F80 to U+1FAF,
// which follow a rule.
constexpr auto kSpecialUpper = std::to_array<SpecialCase>({
    {0x00DF, U"SS"},
    {0x0149, U"\u02BCN"},
    {0x01F0, U"J\u030C"},
    {0x0390, U"\u0399\u0308\u0301"},
    {0x03B0, U"\u03A5\u0308\u0301"},
    {0x0587, U"\u0535\u0552"},
    {0x1E96, U"H\u0331"},
    {0x1E97, U"T\u0308"},
    {0x1E98, U"W\u030A"},
    {0x1E99, U"Y\u030A"},
    {0x1E9A, U"A\u02BE"},
    {0x1F50, U"\u03A5\u0313"},
    {0x1F52, U"\u03A5\u0313\u0300"},
    {0x1F54, U"\u03A5\u0313\u0301"},
    {0x1F56, U"\u03A5\u0313\u0342"},
    {0x1FB2, U"\u1FBA\u0399"},
    {0x1FB3, U"\u0391\u0399"},
    {0x1FB4, U"\u0386\u0399"},
    {0x1FB6, U"\u0391\u0342"},
    {0x1FB7, U"\u0391\u0342\u0399"},
    {0x1FBC, U"\u0391\u0399"},
    {0x1FC2, U"\u1FCA\u0399"},
    {0x1FC3, U"\u0397\u0399"},
    {0x1FC4, U"\u0389\u0399"},
    {0x1FC6, U"\u0397\u0342"},
    {0x1FC7, U"\u0397\u0342\u0399"},
    {0x1FCC, U"\u0397\u0399"},
    {0x1FD2, U"\u0399\u0308\u0300"},
    {0x1FD3, U"\u0399\u0308\u0301"},
    {0x1FD6, U"\u0399\u0342"},
    {0x1FD7, U"\u0399\u0308\u0342"},
    {0x1FE2, U"\u03A5\u0308\u0300"},
    {0x1FE3, U"\u03A5\u0308\u0301"},
    {0x1FE4, U"\u03A1\u0313"},
    {0x1FE6, U"\u03A5\u0342"},
    {0x1FE7, U"\u03A5\u0308\u0342"},
    {0x1FF2, U"\u1FFA\u0399"},
    {0x1FF3, U"\u03A9\u0399"},
    {0x1FF4, U"\u038F\u0399"},
    {0x1FF6, U"\u03A9\u0342"},
    {0x1FF7, U"\u03A9\u0342\u0399"},
    {0x1FFC, U"\u03A9\u0399"},
    {0xFB00, U"FF"},
    {0xFB01, U"FI"},
    {0xFB02, U"FL"},
    {0xFB03, U"FFI"},
    {0xFB04, U"FFL"},
    {0xFB05, U"ST"},
    {0xFB06, U"ST"},
    {0xFB13, U"\u0544\u0546"},
    {0xFB14, U"\u0544\u0535"},
    {0xFB15, U"\u0544\u053B"},
    {0xFB16, U"\u054E\u0546"},
    {0xFB17, U"\u0544\u053D"},
});

constexpr char32_t kIota = 0x399;
constexpr char32_t kIotaBelow = 0x345;
constexpr char32_t kSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kDottedI = 0x130;

char32_t simple(utf8proc_int32_t (*map)(utf8proc_int32_t), char32_t c) {
  return static_cast<char32_t>(map(static_cast<utf8proc_int32_t>(c)));
}

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

std::u32string upper_of(char32_t c) {
  if (c >= 0x1F80 && c <= 0x1FAF) {
    const char32_t base = c < 0x1F90 ? 0x1F08 : c < 0x1FA0 ? 0x1F28 : 0x1F68;
    return {base + c % 8, kIota};
  }
  const auto found = std::lower_bound(kSpecialUpper.begin(), kSpecialUpper.end(), c,
                                      [](const SpecialCase& s, char32_t x) { return s.from < x; });
  if (found != kSpecialUpper.end() && found->from == c) return std::u32string(found->upper);
  return {simple(utf8proc_toupper, c)};
}

bool is_cased(char32_t c) {
  return is_lower(c) || is_upper(c) || category(c) == UTF8PROC_CATEGORY_LT;
}

std::u32string title_of(char32_t c) {
  const char32_t title = simple(utf8proc_totitle, c);
  std::u32string upper = upper_of(c);
  if (upper.size() == 1 || category(title) == UTF8PROC_CATEGORY_LT) return {title};
  bool after_letter = false;
  for (char32_t& part : upper) {
    if (after_letter) part = part == kIota ? kIotaBelow : simple(utf8proc_tolower, part);
    after_letter = after_letter || is_cased(part);
  }
  return upper;
}

/// Characters that do not end a word when a final sigma is looked for.
bool is_case_ignorable(char32_t c) {
  constexpr std::u32string_view kInsideWords = U"'.:^`\u00B7\u2018\u2019\u2024\u2027";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return kInsideWords.find(c) != std::u32string_view::npos;
  }
}

bool is_final_sigma(std::u32string_view text, size_t at) {
  size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_lower(std::u32string& out, std::u32string_view text, size_t at) {
  const char32_t c = text[at];
  if (c == kSigma && is_final_sigma(text, at)) {
    out.push_back(kFinalSigma);
  } else if (c == kDottedI) {
    out.append(U"i\u0307");
  } else {
    out.push_back(simple(utf8proc_tolower, c));
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 128; });
}

}  // namespace

bool is_lower(char32_t c) { return utf8proc_islower(static_cast<utf8proc_int32_t>(c)) != 0; }

bool is_upper(char32_t c) { return utf8proc_isupper(static_cast<utf8proc_int32_t>(c)) != 0; }

std::string to_upper(std::string_view text) {
  if (is_ascii(text)) {
    std::string out(text);
    for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return out;
  }
  std::u32string out;
  for (const char32_t c : decode(text)) out += upper_of(c);
  return encode(out);
}

std::string to_lower(std::string_view text) {
  if (is_ascii(text)) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return out;
  }
  const std::u32string points = decode(text);
  std::u32string out;
  for (size_t i = 0; i < points.size(); ++i) append_lower(out, points, i);
  return encode(out);
}

std::string to_title(std::string_view text) {
  const std::u32string points = decode(text);
  std::u32string out;
  bool inside_word = false;
  for (size_t i = 0; i < points.size(); ++i) {
    if (inside_word) {
      append_lower(out, points, i);
    } else {
      out += title_of(points[i]);
    }
    inside_word = is_cased(points[i]);
  }
  return encode(out);
}

std::string capitalize(std::string_view text) {
  const std::u32string points = decode(text);
  if (points.empty()) return {};
  std::u32string out = title_of(points[0]);
  for (size_t i = 1; i < points.size(); ++i) append_lower(out, points, i);
  return encode(out);
}

}  // namespace distill::jinja
