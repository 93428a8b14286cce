// A text cut into pieces that the model will see one by one.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer/aligned_text.h"
#include "text/tokenizer/pattern.h"

namespace distill {

/// Bytes [begin, end) of the text; never empty.
struct Piece {
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// What becomes of the stretches that a pattern matched.
enum class SplitBehavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// Throws DataError.
SplitBehavior parse_split_behavior(const std::string& name, const std::string& where);

class PreTokens {
 public:
  explicit PreTokens(AlignedText text);

  const AlignedText& text() const { return text_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  std::string_view view(Piece piece) const {
    return std::string_view(text_.text()).substr(piece.begin, piece.end - piece.begin);
  }

  /// The byte-level alphabet is in use, but put off: each byte of the text stands for a character
  /// of that alphabet. A model that takes bytes saves the detour.
  bool byte_level() const { return byte_level_; }
  void set_byte_level();
  /// Writes the characters of the byte-level alphabet out.
  void expand_byte_level();

  /// Cuts every piece. `invert`: what did not match is what matched.
  void split(const Pattern& pattern, SplitBehavior behavior, bool invert);

  /// Writes the text anew: `write(piece, builder)` appends what stands for one piece.
  template <typename Write>
  void rewrite(Write&& write) {
    AlignedTextBuilder builder(text_);
    std::vector<Piece> pieces;
    for (const Piece piece : pieces_) {
      const auto begin = static_cast<uint32_t>(builder.size());
      write(piece, builder);
      const auto end = static_cast<uint32_t>(builder.size());
      if (end > begin) pieces.push_back({begin, end});
    }
    text_ = builder.finish();
    pieces_ = std::move(pieces);
  }

 private:
  AlignedText text_;
  std::vector<Piece> pieces_;
  bool byte_level_ = false;
};

/// The character that stands for a byte in the byte-level alphabet of GPT-2, in UTF-8.
std::string_view byte_level_character(unsigned char byte);
/// The byte that a character stands for, or -1.
int byte_level_byte(char32_t character);

}  // namespace distill
