#include "text/tokenizer/precompiled.h"

#include <utf8proc.h>

#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/realign.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

// The library asks for whole grapheme clusters of fewer bytes first.
constexpr size_t kMaxClusterBytes = 6;

struct Character {
  char32_t code_point = 0;
  int change = 0;  // as in realign.h
};

// `old_count` characters become `text`: the last ones are added, or the last stands for what is
// gone.
void replace(std::vector<Character>& out, int old_count, std::string_view text) {
  int count = 0;
  for_each_code_point(text, [&](char32_t code_point, size_t, size_t) {
    out.push_back({code_point, 0});
    ++count;
  });
  for (int i = 0; i < count - old_count; ++i)
    out[out.size() - 1 - static_cast<size_t>(i)].change = 1;
  // Of what is left out at the start of a text nothing tells, so that offsets are late from there
  // on: the library's way.
  if (count < old_count && !out.empty()) out.back().change += count - old_count;
}

class Precompiled final : public Normalizer {
 public:
  Precompiled(const Json& rules, const std::string& where)
      : map_(json_string(rules, "precompiled_charsmap", where), where + ": precompiled_charsmap") {}

  AlignedText apply(AlignedText text) const override {
    std::vector<Character> out;
    out.reserve(text.text().size());
    bool changed = false;
    const std::string_view all = text.text();
    for (size_t begin = 0; begin < all.size();) {
      const size_t end = cluster_end(all, begin);
      changed = add(all.substr(begin, end - begin), out) || changed;
      begin = end;
    }
    return changed ? realign(text, out) : text;
  }

 private:
  static size_t cluster_end(std::string_view text, size_t begin) {
    utf8proc_int32_t state = 0;
    auto previous = static_cast<utf8proc_int32_t>(code_point_at(text, begin));
    size_t at = begin + utf8_length(text[begin]);
    while (at < text.size()) {
      const auto next = static_cast<utf8proc_int32_t>(code_point_at(text, at));
      if (utf8proc_grapheme_break_stateful(previous, next, &state)) break;
      previous = next;
      at += utf8_length(text[at]);
    }
    return at;
  }

  // True if anything changed.
  bool add(std::string_view cluster, std::vector<Character>& out) const {
    if (cluster.size() < kMaxClusterBytes) {
      if (const auto text = map_.find(cluster)) {
        int count = 0;
        for_each_code_point(cluster, [&](char32_t, size_t, size_t) { ++count; });
        replace(out, count, *text);
        return true;
      }
    }
    bool changed = false;
    for_each_code_point(cluster, [&](char32_t code_point, size_t begin, size_t end) {
      if (const auto text = map_.find(cluster.substr(begin, end - begin))) {
        replace(out, 1, *text);
        changed = true;
      } else {
        out.push_back({code_point, 0});
      }
    });
    return changed;
  }

  Charsmap map_;
};

}  // namespace

std::unique_ptr<Normalizer> parse_precompiled(const Json& rules, const std::string& where) {
  return std::make_unique<Precompiled>(rules, where);
}

}  // namespace distill
