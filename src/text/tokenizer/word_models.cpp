#include "text/tokenizer/word_models.h"

#include <algorithm>

#include "text/tokenizer/unicode.h"
#include "text/tokenizer/word_cache.h"

namespace distill {
namespace {

// A vocabulary and the token for words that it lacks.
class WordModel : public Model {
 public:
  WordModel(TokenizerFile& file, const std::string& fallback_unk, const std::string& where)
      : vocabulary_(std::move(file.vocabulary)),
        unk_token_(json_string_or(file.rules.at("model"), "unk_token", fallback_unk, where)),
        unk_id_(vocabulary_.find(unk_token_)) {}

  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void hash_into(Hasher& hasher) const override { vocabulary_.hash_into(hasher); }

 protected:
  void add_unknown(std::string_view word, std::vector<ModelToken>& out) const {
    if (unk_id_ == Vocabulary::kAbsent) {
      throw DataError("the tokenizer has no token for \"" + std::string(word.substr(0, 100)) +
                      "\", and its unk_token \"" + unk_token_ + "\" is not in its vocabulary");
    }
    out.push_back({unk_id_, static_cast<uint32_t>(word.size())});
  }

  Vocabulary vocabulary_;

 private:
  std::string unk_token_;
  int32_t unk_id_;
};

class WordLevelModel final : public WordModel {
 public:
  WordLevelModel(TokenizerFile& file, const std::string& where) : WordModel(file, "<unk>", where) {}

  void tokenize(std::string_view piece, bool, std::vector<ModelToken>& out) const override {
    const int32_t id = vocabulary_.find(piece);
    if (id == Vocabulary::kAbsent) return add_unknown(piece, out);
    out.push_back({id, static_cast<uint32_t>(piece.size())});
  }
};

class WordPieceModel final : public WordModel {
 public:
  WordPieceModel(TokenizerFile& file, const std::string& where)
      : WordModel(file, "[UNK]", where),
        prefix_(json_string_or(file.rules.at("model"), "continuing_subword_prefix", "##", where)),
        max_characters_(
            json_int_or(file.rules.at("model"), "max_input_chars_per_word", 100, where)) {
    if (max_characters_ < 0) {
      throw DataError(where + ": max_input_chars_per_word: found " +
                      std::to_string(max_characters_) + ", expected 0 or more");
    }
    for (int64_t id = 0; id < vocabulary_.id_end(); ++id) {
      longest_ = std::max(longest_, vocabulary_.token(id).value_or("").size());
    }
  }

  void tokenize(std::string_view piece, bool, std::vector<ModelToken>& out) const override {
    const bool cached = piece.size() <= WordCache::kMaxWordBytes;
    WordCache& cache = WordCache::of(cache_);
    if (cached && cache.get(piece, out)) return;
    const size_t before = out.size();
    if (characters(piece) > max_characters_ || !append_parts(piece, out)) {
      out.resize(before);
      add_unknown(piece, out);
    }
    if (cached) cache.put(piece, out.data() + before, out.size() - before);
  }

 private:
  static int64_t characters(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return !is_utf8_continuation(c); });
  }

  // False if the word cannot be put together from tokens.
  bool append_parts(std::string_view word, std::vector<ModelToken>& out) const {
    std::string candidate;
    for (size_t begin = 0; begin < word.size();) {
      candidate.assign(begin > 0 ? prefix_ : "");
      const size_t head = candidate.size();
      // No token is longer, and a hostile file may allow words without end.
      candidate.append(word.substr(begin, longest_ + 4));
      int32_t id = Vocabulary::kAbsent;
      while (candidate.size() > head) {
        id = is_whole(word, begin + candidate.size() - head) ? vocabulary_.find(candidate)
                                                             : Vocabulary::kAbsent;
        if (id != Vocabulary::kAbsent) break;
        candidate.pop_back();
      }
      if (id == Vocabulary::kAbsent) return false;
      const size_t bytes = candidate.size() - head;
      out.push_back({id, static_cast<uint32_t>(bytes)});
      begin += bytes;
    }
    return true;
  }

  static bool is_whole(std::string_view word, size_t end) {
    return end == word.size() || !is_utf8_continuation(word[end]);
  }

  std::string prefix_;
  int64_t max_characters_;
  size_t longest_ = 0;  // bytes of the longest token
  uint64_t cache_ = WordCache::next_model();
};

}  // namespace

std::unique_ptr<Model> make_word_piece_model(TokenizerFile& file, const std::string& where) {
  return std::make_unique<WordPieceModel>(file, where);
}

std::unique_ptr<Model> make_word_level_model(TokenizerFile& file, const std::string& where) {
  return std::make_unique<WordLevelModel>(file, where);
}

}  // namespace distill
