// A text that remembers which bytes of the text given by the user each of its bytes came from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "distill/text/tokenizer.h"

namespace distill {

/// How long the rules of a tokenizer may make a text of `bytes`: far more than any real ones do.
/// Without a bound, few rules in a row fill the memory.
constexpr size_t longest_rewrite(size_t bytes) { return 4096 + 64 * bytes; }
/// Throws DataError.
[[noreturn]] void refuse_growth(size_t limit);

class AlignedText {
 public:
  /// The bytes [begin, end) of `source`, unchanged.
  AlignedText(std::string_view source, size_t begin, size_t end)
      : text_(source.substr(begin, end - begin)),
        shift_(static_cast<int32_t>(begin)),
        limit_(longest_rewrite(end - begin)) {}
  /// `source` with every sequence of bytes that is not UTF-8 replaced by U+FFFD.
  static AlignedText from_any_bytes(std::string_view source);

  const std::string& text() const { return text_; }
  /// Where [begin, end) came from: whole code points of the source. The range is not empty.
  ByteSpan source(size_t begin, size_t end) const;
  AlignedText slice(size_t begin, size_t end) const;

 private:
  friend class AlignedTextBuilder;
  AlignedText() = default;

  std::string text_;
  std::vector<ByteSpan> spans_;  // one a byte; empty if the text is the source from shift_ on
  int32_t shift_ = 0;
  size_t limit_ = 0;  // of texts made from this one
};

/// Writes a new text from pieces of an old one.
class AlignedTextBuilder {
 public:
  explicit AlignedTextBuilder(const AlignedText& from) : from_(from) {
    out_.text_.reserve(from.text().size() + 16);
    out_.spans_.reserve(from.text().size() + 16);
    out_.limit_ = from.limit_;
  }

  void add(std::string_view text, ByteSpan span) {
    out_.text_.append(text);
    out_.spans_.resize(out_.text_.size(), span);
    if (size() > out_.limit_) refuse_growth(out_.limit_);
  }
  /// [begin, end) of the old text as it is.
  void copy(size_t begin, size_t end);
  size_t size() const { return out_.text_.size(); }
  AlignedText finish() { return std::move(out_); }

 private:
  const AlignedText& from_;
  AlignedText out_;
};

}  // namespace distill
