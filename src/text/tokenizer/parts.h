// The five parts of a tokenizer, in the order in which a text passes through them. Each kind of
// part is a class in a file of its own, made from its rules in tokenizer.json by one `parse_`
// function; `where` names the rules in errors. All are immutable and safe to share between threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "distill/core/error.h"
#include "distill/core/hash.h"
#include "distill/io/json.h"
#include "distill/text/tokenizer.h"
#include "text/tokenizer/aligned_text.h"
#include "text/tokenizer/pre_tokens.h"
#include "text/tokenizer/vocabulary.h"

namespace distill {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual AlignedText apply(AlignedText text) const = 0;
};

/// Cuts the pieces of a text into smaller ones; may rewrite the text too.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(PreTokens& tokens) const = 0;
};

/// A token and how many bytes of its piece it covers; those of a piece follow one another. 0 bytes:
/// the same ones as the token before.
struct ModelToken {
  int32_t id = 0;
  uint32_t bytes = 0;
};

class Model {
 public:
  virtual ~Model() = default;
  /// Appends the tokens of a piece. `byte_level` is PreTokens::byte_level.
  virtual void tokenize(std::string_view piece, bool byte_level,
                        std::vector<ModelToken>& out) const = 0;
  /// Pieces of `text` are welcome as raw bytes, see PreTokens::byte_level.
  virtual bool takes_byte_level(std::string_view) const { return false; }
  virtual const Vocabulary& vocabulary() const = 0;
  /// Adds what distinguishes this model from others with the same rules: vocabulary, merges.
  virtual void hash_into(Hasher& hasher) const = 0;
};

/// A token of an encoded text.
struct TextToken {
  int32_t id = 0;
  ByteSpan source;         // of the text given by the user
  std::string_view added;  // what an added token matched; empty for a token of the model
};

struct PostInput {
  std::string_view text;  // as given by the user
  const Vocabulary& vocabulary;
  bool add_special_tokens = true;
};

/// Puts special tokens around a text and corrects offsets.
class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  virtual void apply(std::vector<TextToken>& tokens, const PostInput& input) const = 0;
  /// How it puts special tokens around two texts; empty if that is not defined.
  virtual std::vector<PairPiece> frame_pair(std::vector<PairPiece> texts) const { return texts; }
};

/// Turns tokens back into text, which is all of them joined at the end.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::vector<std::string> apply(std::vector<std::string> tokens) const = 0;
};

std::unique_ptr<Normalizer> parse_normalizer(const Json& rules, const std::string& where);
std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const Json& rules, const std::string& where);
std::unique_ptr<PostProcessor> parse_post_processor(const Json& rules, const std::string& where);
std::unique_ptr<Decoder> parse_decoder(const Json& rules, const std::string& where);

/// The rules' `type`. Throws DataError if the rules are no object.
std::string part_type(const Json& rules, const std::string& where);
[[noreturn]] void refuse_part(const std::string& type, const std::string& where,
                              const std::string& known);
/// The one code point that `key` must hold, in UTF-8.
std::string json_character(const Json& rules, const std::string& key, const std::string& where);

/// The parts of a Sequence: `parse(rules, where)` of each element of `rules[key]`.
template <typename Part>
std::vector<std::unique_ptr<Part>> parse_parts(const Json& rules, const std::string& key,
                                               const std::string& where,
                                               std::unique_ptr<Part> (*parse)(const Json&,
                                                                              const std::string&)) {
  if (!rules.contains(key) || !rules[key].is_array()) {
    throw DataError(where + ": " + key + ": expected a list");
  }
  std::vector<std::unique_ptr<Part>> parts;
  for (const Json& part : rules[key]) {
    parts.push_back(parse(part, where + ": " + key + "[" + std::to_string(parts.size()) + "]"));
  }
  return parts;
}

}  // namespace distill
