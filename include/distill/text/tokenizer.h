// Tokenizers of Hugging Face folders: the same ids as the `tokenizers` library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "distill/core/hash.h"

namespace distill {

/// Bytes [begin, end) of the encoded text. {0, 0} for a token the post-processor added.
struct ByteSpan {
  int32_t begin = 0;
  int32_t end = 0;
  bool operator==(const ByteSpan&) const = default;
};

struct EncodeOptions {
  bool add_special_tokens = true;       ///< what the post-processor adds (BOS, [CLS], ...)
  bool special_tokens_as_text = false;  ///< special tokens in the text are ordinary text
};

struct Encoding {
  std::vector<int64_t> ids;
  std::vector<ByteSpan> offsets;  ///< one an id
};

/// A part of the sequence that two texts make: a special token or one of them.
struct PairPiece {
  enum class Kind { kToken, kFirst, kSecond };
  Kind kind = Kind::kToken;
  int64_t id = 0;       ///< of the token
  int64_t type_id = 0;  ///< the segment, which some encoders embed
  bool operator==(const PairPiece&) const = default;
};

/// Tokens by role, from tokenizer_config.json, special_tokens_map.json or (ids) config.json.
struct SpecialTokens {
  std::optional<std::string> bos, eos, pad, unk;
  std::optional<int64_t> bos_id, eos_id, pad_id, unk_id;
};

/// Immutable and safe to share between threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual Encoding encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  virtual std::string decode(const std::vector<int64_t>& ids, bool skip_special_tokens) const = 0;
  virtual std::optional<int64_t> token_to_id(std::string_view token) const = 0;
  /// The token as the vocabulary writes it; empty for an id that it does not have.
  virtual std::string id_to_token(int64_t id) const = 0;
  virtual int64_t vocab_size() const = 0;  ///< one more than the largest id
  virtual bool is_special(int64_t id) const = 0;
  virtual bool adds_bos() const = 0;  ///< the post-processor starts a text with BOS

  const SpecialTokens& special() const { return special_; }
  /// How two texts make one sequence; empty if the tokenizer does not say.
  const std::vector<PairPiece>& pair_pieces() const { return pair_pieces_; }
  /// Identity of the tokenizer: equal for equal tokenizer.json content (vocabulary, merges, rules).
  const ContentKey& hash() const { return hash_; }

  std::vector<int64_t> ids(std::string_view text, bool add_special_tokens) const {
    return encode(text, {.add_special_tokens = add_special_tokens}).ids;
  }

 protected:
  SpecialTokens special_;
  std::vector<PairPiece> pair_pieces_;
  ContentKey hash_;
};

/// Reads tokenizer.json (and the files around it) of a folder, or a tokenizer.json itself. What is
/// not supported is refused by name. Throws DataError.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace distill
