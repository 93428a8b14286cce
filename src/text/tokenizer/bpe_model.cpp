#include "text/tokenizer/bpe_model.h"

#include <algorithm>
#include <cstdio>

#include "text/tokenizer/bpe_word.h"
#include "text/tokenizer/unicode.h"
#include "text/tokenizer/word_cache.h"

namespace distill {
namespace {

struct BpeOptions {
  BpeOptions(const Json& rules, const std::string& where)
      : unk_token(json_string_or(rules, "unk_token", "", where)),
        prefix(json_string_or(rules, "continuing_subword_prefix", "", where)),
        suffix(json_string_or(rules, "end_of_word_suffix", "", where)),
        fuse_unk(json_bool_or(rules, "fuse_unk", false, where)),
        byte_fallback(json_bool_or(rules, "byte_fallback", false, where)),
        ignore_merges(json_bool_or(rules, "ignore_merges", false, where)) {
    if (json_double_or(rules, "dropout", 0, where) != 0) {
      throw DataError(where + ": dropout: random merges are not supported");
    }
  }

  std::string unk_token;  // empty: none
  std::string prefix;     // of every symbol but a word's first
  std::string suffix;     // of a word's last symbol
  bool fuse_unk, byte_fallback, ignore_merges;
};

class BpeModel final : public Model {
 public:
  BpeModel(TokenizerFile& file, const std::string& where)
      : options_(file.rules.at("model"), where),
        vocabulary_(std::move(file.vocabulary)),
        merges_(file.merges.size()) {
    read_merges(file.merges, where);
    file.merges.clear();
    if (!options_.unk_token.empty()) unk_id_ = known(options_.unk_token, where + ": unk_token");
    for (size_t byte = 0; byte < 256; ++byte) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
      fallback_ids_[byte] = vocabulary_.find(name);
      byte_ids_[byte] = vocabulary_.find(byte_level_character(static_cast<unsigned char>(byte)));
    }
  }

  void tokenize(std::string_view piece, bool byte_level,
                std::vector<ModelToken>& out) const override {
    const bool cached = piece.size() <= WordCache::kMaxWordBytes;
    WordCache& cache = WordCache::of(byte_level ? bytes_cache_ : characters_cache_);
    if (cached && cache.get(piece, out)) return;
    const size_t before = out.size();
    if (!options_.ignore_merges || !append_whole(piece, byte_level, out)) {
      thread_local BpeWord word;
      word.clear();
      byte_level ? add_bytes(piece, word) : add_characters(piece, word);
      word.merge(merges_);
      word.append_to(out);
    }
    if (cached) cache.put(piece, out.data() + before, out.size() - before);
  }

  bool takes_byte_level(std::string_view text) const override {
    if (!options_.prefix.empty() || !options_.suffix.empty() || options_.byte_fallback)
      return false;
    // A byte that leaves no token still counts, by the length of its character.
    if (unk_id_ != Vocabulary::kAbsent) return true;
    return std::all_of(text.begin(), text.end(), [this](char byte) {
      return byte_ids_[static_cast<unsigned char>(byte)] != Vocabulary::kAbsent;
    });
  }
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void hash_into(Hasher& hasher) const override {
    vocabulary_.hash_into(hasher);
    hasher.add(merge_ids_.data(), merge_ids_.size() * sizeof(int32_t));
  }

 private:
  // Collects characters that the vocabulary lacks; fused ones become one token.
  class Unknown {
   public:
    Unknown(const BpeModel& model, BpeWord& word) : model_(model), word_(word) {}
    ~Unknown() { flush(); }
    Unknown(const Unknown&) = delete;
    Unknown& operator=(const Unknown&) = delete;

    void add(size_t bytes) {
      if (model_.unk_id_ == Vocabulary::kAbsent) return;  // it leaves no token at all
      if (!model_.options_.fuse_unk) flush();
      bytes_ += bytes;
    }
    void flush() {
      if (bytes_ > 0) word_.add(model_.unk_id_, bytes_);
      bytes_ = 0;
    }

   private:
    const BpeModel& model_;
    BpeWord& word_;
    size_t bytes_ = 0;
  };

  int32_t known(std::string_view token, const std::string& where) const {
    const int32_t id = vocabulary_.find(token);
    if (id == Vocabulary::kAbsent) {
      throw DataError(where + ": \"" + std::string(token) + "\" is not in the vocabulary");
    }
    return id;
  }

  void read_merges(const std::vector<TokenizerFile::Merge>& merges, const std::string& where) {
    merge_ids_.reserve(2 * merges.size());
    std::string merged;
    int32_t id = Vocabulary::kAbsent;
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      const auto [left, right] = merges[rank];
      if (right.size() < options_.prefix.size()) {
        throw DataError(where + ": merges[" + std::to_string(rank) + "]: \"" + std::string(right) +
                        "\" lacks the prefix \"" + options_.prefix + "\"");
      }
      merged.assign(left).append(right.substr(options_.prefix.size()));
      const int32_t left_id = vocabulary_.find(left), right_id = vocabulary_.find(right);
      // Vocabularies mostly list merged tokens in order: a guess that saves a search.
      if (vocabulary_.token(++id) != merged) id = vocabulary_.find(merged);
      if (left_id < 0 || right_id < 0 || id < 0) {
        const std::string_view missing = left_id < 0 ? left : right_id < 0 ? right : merged;
        known(missing, where + ": merges[" + std::to_string(rank) + "]");
      }
      merges_.put(left_id, right_id, static_cast<uint32_t>(rank), id);
      merge_ids_.insert(merge_ids_.end(), {left_id, right_id});
    }
  }

  bool append_whole(std::string_view piece, bool byte_level, std::vector<ModelToken>& out) const {
    std::string spelled;
    if (byte_level) {
      for (const char byte : piece) {
        spelled += byte_level_character(static_cast<unsigned char>(byte));
      }
    }
    const int32_t id = vocabulary_.find(byte_level ? std::string_view(spelled) : piece);
    if (id == Vocabulary::kAbsent) return false;
    out.push_back({id, static_cast<uint32_t>(piece.size())});
    return true;
  }

  void add_bytes(std::string_view piece, BpeWord& word) const {
    Unknown unknown(*this, word);
    for (const char byte : piece) {
      const int32_t id = byte_ids_[static_cast<unsigned char>(byte)];
      if (id == Vocabulary::kAbsent) {
        unknown.add(1);
      } else {
        unknown.flush();
        word.add(id, 1);
      }
    }
  }

  void add_characters(std::string_view piece, BpeWord& word) const {
    Unknown unknown(*this, word);
    std::string symbol;
    for (size_t at = 0; at < piece.size();) {
      const size_t bytes = utf8_length(piece[at]);
      symbol.assign(at > 0 ? options_.prefix : "").append(piece, at, bytes);
      at += bytes;
      if (at == piece.size()) symbol += options_.suffix;
      const int32_t id = vocabulary_.find(symbol);
      if (id != Vocabulary::kAbsent) {
        unknown.flush();
        word.add(id, bytes);
      } else if (!options_.byte_fallback || !add_fallback(symbol, word)) {
        unknown.add(bytes);
      }
    }
  }

  bool add_fallback(std::string_view symbol, BpeWord& word) const {
    const auto id_of = [this](char byte) {
      return fallback_ids_[static_cast<unsigned char>(byte)];
    };
    if (std::any_of(symbol.begin(), symbol.end(), [&](char byte) { return id_of(byte) < 0; })) {
      return false;
    }
    for (const char byte : symbol) word.add(id_of(byte), 1);
    return true;
  }

  BpeOptions options_;
  Vocabulary vocabulary_;
  MergeTable merges_;
  std::vector<int32_t> merge_ids_;  // left and right of each, in order of rank
  int32_t unk_id_ = Vocabulary::kAbsent;
  std::array<int32_t, 256> fallback_ids_{};         // of <0x00> to <0xFF>
  std::array<int32_t, 256> byte_ids_{};             // of the byte-level characters
  uint64_t bytes_cache_ = WordCache::next_model();  // of pieces in raw bytes
  uint64_t characters_cache_ = WordCache::next_model();
};

}  // namespace

std::unique_ptr<Model> make_bpe_model(TokenizerFile& file, const std::string& where) {
  return std::make_unique<BpeModel>(file, where);
}

}  // namespace distill
