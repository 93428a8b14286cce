#include "text/tokenizer/pre_tokens.h"

#include <algorithm>
#include <array>

#include "distill/core/error.h"
#include "text/tokenizer/unicode.h"

namespace distill {
namespace {

constexpr char32_t kAlphabetEnd = 0x144;  // the characters for bytes that do not print end here

// Visible bytes stand for themselves, the others for U+0100 and on, in order.
std::array<char32_t, 256> make_alphabet() {
  std::array<char32_t, 256> alphabet{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool visible = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    alphabet[byte] = visible ? byte : next++;
  }
  return alphabet;
}

struct ByteLevelTables {
  ByteLevelTables() {
    bytes.fill(-1);
    const std::array<char32_t, 256> alphabet = make_alphabet();
    for (size_t byte = 0; byte < 256; ++byte) {
      characters[byte] = to_utf8(alphabet[byte]);
      bytes[alphabet[byte]] = static_cast<int16_t>(byte);
    }
  }
  std::array<std::string, 256> characters;
  std::array<int16_t, kAlphabetEnd> bytes;
};

const ByteLevelTables& tables() {
  static const ByteLevelTables kTables;
  return kTables;
}

void add_piece(std::vector<Piece>& pieces, uint32_t offset, const Stretch& stretch) {
  if (stretch.end > stretch.begin) {
    pieces.push_back({offset + stretch.begin, offset + stretch.end});
  }
}

// `stretches` in reading order, or reversed for kMergedWithNext: a match joins its predecessor,
// unless that is a match too; kContiguous joins equals.
void join(std::vector<Stretch>& stretches, bool contiguous) {
  size_t count = 0;
  bool previous = false;
  for (const Stretch stretch : stretches) {
    const bool joins = contiguous ? stretch.matched == previous : stretch.matched && !previous;
    previous = stretch.matched;
    if (joins && count > 0) {
      Stretch& last = stretches[count - 1];
      last = {std::min(last.begin, stretch.begin), std::max(last.end, stretch.end), false};
    } else {
      stretches[count++] = stretch;
    }
  }
  stretches.resize(count);
}

void apply_behavior(std::vector<Stretch>& stretches, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::kIsolated:
      return;
    case SplitBehavior::kRemoved:
      std::erase_if(stretches, [](const Stretch& stretch) { return stretch.matched; });
      return;
    case SplitBehavior::kMergedWithPrevious:
    case SplitBehavior::kContiguous:
      join(stretches, behavior == SplitBehavior::kContiguous);
      return;
    case SplitBehavior::kMergedWithNext:
      std::reverse(stretches.begin(), stretches.end());
      join(stretches, false);
      std::reverse(stretches.begin(), stretches.end());
      return;
  }
}

}  // namespace

SplitBehavior parse_split_behavior(const std::string& name, const std::string& where) {
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  throw DataError(
      where + ": behavior: found \"" + name +
      "\", expected Isolated, Removed, MergedWithPrevious, MergedWithNext or Contiguous");
}

PreTokens::PreTokens(AlignedText text) : text_(std::move(text)) {
  if (text_.text().size() > UINT32_MAX / 4) throw DataError("a text grew too long to cut");
  const auto end = static_cast<uint32_t>(text_.text().size());
  if (end > 0) pieces_.push_back({0, end});
}

void PreTokens::set_byte_level() {
  expand_byte_level();
  byte_level_ = true;
}

void PreTokens::expand_byte_level() {
  if (!byte_level_) return;
  byte_level_ = false;
  rewrite([this](Piece piece, AlignedTextBuilder& out) {
    for (size_t at = piece.begin; at < piece.end; ++at) {
      const auto byte = static_cast<unsigned char>(text_.text()[at]);
      out.add(byte_level_character(byte), text_.source(at, at + 1));
    }
  });
}

void PreTokens::split(const Pattern& pattern, SplitBehavior behavior, bool invert) {
  expand_byte_level();
  std::vector<Piece> pieces;
  std::vector<Stretch> stretches;
  for (const Piece piece : pieces_) {
    stretches.clear();
    pattern.cut(view(piece), stretches);
    if (invert) {
      for (Stretch& stretch : stretches) stretch.matched = !stretch.matched;
    }
    apply_behavior(stretches, behavior);
    for (const Stretch& stretch : stretches) add_piece(pieces, piece.begin, stretch);
  }
  pieces_ = std::move(pieces);
}

std::string_view byte_level_character(unsigned char byte) { return tables().characters[byte]; }

int byte_level_byte(char32_t character) {
  return character < kAlphabetEnd ? tables().bytes[character] : -1;
}

}  // namespace distill
