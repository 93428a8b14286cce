// Text from token ids that come one by one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "distill/text/tokenizer.h"

namespace distill {

/// Gives out text as soon as it is whole characters. For the ids of a text, what it gives out adds
/// up to what Tokenizer::decode makes of them all; ids that make no text may differ in what
/// U+FFFD stands for.
class StreamingDecoder {
 public:
  /// `tokenizer` must outlive the decoder.
  StreamingDecoder(const Tokenizer& tokenizer, bool skip_special_tokens)
      : tokenizer_(tokenizer), skip_special_tokens_(skip_special_tokens) {}

  /// The text that is certain now; empty while a character is incomplete.
  std::string push(int64_t id);
  /// What is left: U+FFFD in place of a character that stayed incomplete. Ready for a new text
  /// then.
  std::string finish();

 private:
  std::string decode(size_t first) const;
  std::string whole() const;
  std::string take(const std::string& text, size_t end);

  const Tokenizer& tokenizer_;
  bool skip_special_tokens_;
  std::vector<int64_t> ids_;  // those that gave the last text, and those since
  size_t fresh_ = 0;          // where the latter begin
  std::string given_;         // what of the text of ids_ was given out
};

}  // namespace distill
