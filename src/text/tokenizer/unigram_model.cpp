#include "text/tokenizer/unigram_model.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "text/tokenizer/token_trie.h"
#include "text/tokenizer/unicode.h"
#include "text/tokenizer/word_cache.h"

namespace distill {
namespace {

constexpr double kUnknownPenalty = 10;  // below the least score of the vocabulary

class UnigramModel final : public Model {
 public:
  UnigramModel(TokenizerFile& file, const std::string& where)
      : vocabulary_(std::move(file.vocabulary)),
        scores_(std::move(file.scores)),
        trie_(vocabulary_) {
    const Json& rules = file.rules.at("model");
    if (scores_.empty()) throw DataError(where + ": vocab: expected a list of tokens, found none");
    byte_fallback_ = json_bool_or(rules, "byte_fallback", false, where);
    const int64_t unk = json_int_or(rules, "unk_id", -1, where);
    if (unk >= vocabulary_.id_end() || unk < -1) {
      throw DataError(where + ": unk_id: " + std::to_string(unk) + " is not in the vocabulary");
    }
    unk_id_ = static_cast<int32_t>(unk);
    unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
    for (size_t byte = 0; byte < 256; ++byte) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
      fallback_ids_[byte] = vocabulary_.find(name);
    }
  }

  void tokenize(std::string_view piece, bool, std::vector<ModelToken>& out) const override {
    const bool cached = piece.size() <= WordCache::kMaxWordBytes;
    WordCache& cache = WordCache::of(cache_);
    if (cached && cache.get(piece, out)) return;
    const size_t before = out.size();
    thread_local std::vector<Step> steps;
    thread_local std::vector<size_t> ends;
    find_best(piece, steps);
    walk_back(piece.size(), steps, ends);
    size_t begin = 0;
    for (auto end = ends.rbegin(); end != ends.rend(); begin = *end++) {
      append(piece.substr(begin, *end - begin), out);
    }
    if (cached) cache.put(piece, out.data() + before, out.size() - before);
  }

  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void hash_into(Hasher& hasher) const override {
    vocabulary_.hash_into(hasher);
    hasher.add(scores_.data(), scores_.size() * sizeof(double));
  }

 private:
  // The best way to reach a byte: its last token.
  struct Step {
    double score = 0;
    uint32_t begin = kNowhere;
    int32_t id = 0;
  };
  static constexpr uint32_t kNowhere = UINT32_MAX;

  // Fills in steps[n], for each n that starts or ends a character, of the first n bytes.
  void find_best(std::string_view piece, std::vector<Step>& steps) const {
    steps.assign(piece.size() + 1, {});
    for (size_t begin = 0; begin < piece.size();) {
      const double score = steps[begin].score;
      const size_t character = utf8_length(piece[begin]);
      bool alone = false;  // the character is a token by itself
      const auto offer = [&](size_t end, double total, int32_t id) {
        Step& step = steps[end];
        if (step.begin != kNowhere && total <= step.score) return;
        step = {total, static_cast<uint32_t>(begin), id};
      };
      trie_.prefixes(piece.substr(begin), [&](int32_t id, size_t bytes) {
        offer(begin + bytes, scores_[static_cast<size_t>(id)] + score, id);
        alone = alone || bytes == character;
      });
      if (!alone) {
        if (unk_id_ < 0) fail_unknown(piece.substr(begin, character));
        offer(begin + character, unknown_score_ + score, unk_id_);
      }
      begin += character;
    }
  }

  // Where tokens end, the last first. Unknown characters side by side are one.
  void walk_back(size_t size, const std::vector<Step>& steps, std::vector<size_t>& ends) const {
    ends.clear();
    bool in_unknown = false;
    for (size_t end = size; end > 0; end = steps[end].begin) {
      const bool unknown = unk_id_ >= 0 && steps[end].id == unk_id_;
      if (!unknown || !in_unknown) ends.push_back(end);
      in_unknown = unknown;
    }
  }

  void append(std::string_view text, std::vector<ModelToken>& out) const {
    const auto bytes = static_cast<uint32_t>(text.size());
    const int32_t id = vocabulary_.find(text);
    const auto fallback = [this](char byte) {
      return fallback_ids_[static_cast<unsigned char>(byte)];
    };
    if (id >= 0) {
      out.push_back({id, bytes});
    } else if (byte_fallback_ && std::all_of(text.begin(), text.end(),
                                             [&](char byte) { return fallback(byte) >= 0; })) {
      for (size_t i = 0; i < text.size(); ++i) out.push_back({fallback(text[i]), i ? 0 : bytes});
    } else {
      if (unk_id_ < 0) fail_unknown(text);
      out.push_back({unk_id_, bytes});
    }
  }

  [[noreturn]] static void fail_unknown(std::string_view text) {
    throw DataError("the tokenizer has no token for \"" + std::string(text) + "\" and no unk_id");
  }

  Vocabulary vocabulary_;
  std::vector<double> scores_;
  TokenTrie trie_;
  bool byte_fallback_ = false;
  int32_t unk_id_ = -1;
  double unknown_score_ = 0;
  std::array<int32_t, 256> fallback_ids_{};  // of <0x00> to <0xFF>
  uint64_t cache_ = WordCache::next_model();
};

}  // namespace

std::unique_ptr<Model> make_unigram_model(TokenizerFile& file, const std::string& where) {
  return std::make_unique<UnigramModel>(file, where);
}

}  // namespace distill
