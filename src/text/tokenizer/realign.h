// A text written anew character by character.
#pragma once

#include <string>
#include <vector>

#include "text/tokenizer/aligned_text.h"
#include "text/tokenizer/unicode.h"

namespace distill {

/// `characters` have a `code_point`, and a `change` that relates it to the text before: 0 stands
/// for one character of it, 1 is added to what came before, -n stands for 1 + n characters.
template <typename Character>
AlignedText realign(const AlignedText& from, const std::vector<Character>& characters) {
  AlignedTextBuilder out(from);
  const std::string& old = from.text();
  size_t at = 0;
  const auto skip = [&] {
    if (at < old.size()) at += utf8_length(old[at]);
  };
  for (const Character& character : characters) {
    ByteSpan span;
    if (character.change > 0) {
      if (at > 0) span = from.source(at - 1, at);
    } else {
      if (at < old.size()) span = from.source(at, at + 1);
      for (int i = character.change; i <= 0; ++i) skip();
    }
    out.add(to_utf8(static_cast<char32_t>(character.code_point)), span);
  }
  return out.finish();
}

}  // namespace distill
