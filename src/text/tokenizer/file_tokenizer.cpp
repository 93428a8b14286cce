#include "text/tokenizer/file_tokenizer.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "distill/core/error.h"
#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/models.h"
#include "text/tokenizer/parts.h"
#include "text/tokenizer/special_tokens.h"

namespace distill {
namespace {

constexpr size_t kMaxTextBytes = INT32_MAX;  // offsets are int32

// A part that the file may leave out or set to null.
template <typename Part>
std::unique_ptr<Part> parse_optional(const Json& rules, const std::string& key,
                                     const std::string& where,
                                     std::unique_ptr<Part> (*parse)(const Json&,
                                                                    const std::string&)) {
  if (!rules.contains(key) || rules[key].is_null()) return nullptr;
  return parse(rules[key], where + ": " + key);
}

ContentKey hash_of(const Json& rules, const Model& model) {
  nlohmann::json sorted = rules;  // keys in the order of the alphabet
  for (const char* key : {"version", "truncation", "padding"}) sorted.erase(key);
  Hasher hasher;
  hasher.add(std::string_view(sorted.dump()));
  model.hash_into(hasher);
  return hasher.key();
}

class FileTokenizer final : public Tokenizer {
 public:
  FileTokenizer(TokenizerFile file, const std::string& where)
      : model_(parse_model(file, where)),
        normalizer_(parse_optional(file.rules, "normalizer", where, parse_normalizer)),
        pre_tokenizer_(parse_optional(file.rules, "pre_tokenizer", where, parse_pre_tokenizer)),
        post_processor_(parse_optional(file.rules, "post_processor", where, parse_post_processor)),
        decoder_(parse_optional(file.rules, "decoder", where, parse_decoder)),
        added_(file.rules.value("added_tokens", Json::array()), model_->vocabulary(),
               normalizer_.get(), where + ": added_tokens") {
    hash_ = hash_of(file.rules, *model_);
    pair_pieces_ = {{PairPiece::Kind::kFirst, 0, 0}, {PairPiece::Kind::kSecond, 0, 1}};
    if (post_processor_) pair_pieces_ = post_processor_->frame_pair(std::move(pair_pieces_));
  }

  void read_roles(const std::filesystem::path& folder) {
    special_ = read_special_tokens(folder, *this);
    const std::vector<int64_t> frame = ids("", true);
    adds_bos_ = !frame.empty() && special_.bos_id == frame.front();
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(const std::vector<int64_t>& ids, bool skip_special_tokens) const override;

  std::optional<int64_t> token_to_id(std::string_view token) const override {
    if (const AddedToken* added = added_.find(token)) return added->id;
    const int32_t id = model_->vocabulary().find(token);
    return id == Vocabulary::kAbsent ? std::nullopt : std::optional<int64_t>(id);
  }
  std::string id_to_token(int64_t id) const override {
    if (const AddedToken* added = added_.find(id)) return added->content;
    return std::string(model_->vocabulary().token(id).value_or(""));
  }
  int64_t vocab_size() const override {
    return std::max(model_->vocabulary().id_end(), added_.id_end());
  }
  bool is_special(int64_t id) const override {
    const AddedToken* added = added_.find(id);
    return added != nullptr && added->special;
  }
  bool adds_bos() const override { return adds_bos_; }

 private:
  // The work of one call: texts that tokens point into.
  struct Work {
    std::deque<AlignedText> texts;
    std::vector<TextToken> tokens;
    std::vector<ModelToken> piece;
  };

  void encode_section(AlignedText section, bool as_text, Work& work) const;
  void encode_run(AlignedText run, Work& work) const;

  std::unique_ptr<Model> model_;
  std::unique_ptr<Normalizer> normalizer_;
  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  std::unique_ptr<PostProcessor> post_processor_;
  std::unique_ptr<Decoder> decoder_;
  AddedTokens added_;
  bool adds_bos_ = false;
};

Encoding FileTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kMaxTextBytes) {
    throw DataError("a text of " + std::to_string(text.size()) + " bytes is too long to encode");
  }
  Work work;
  const AlignedText& source = work.texts.emplace_back(AlignedText::from_any_bytes(text));
  const std::string_view view = source.text();
  std::vector<AddedMatch> matches;
  added_.in_source().cut(view, options.special_tokens_as_text, matches);
  for (const AddedMatch& match : matches) {
    if (match.token == nullptr) {
      encode_section(source.slice(match.begin, match.end), options.special_tokens_as_text, work);
    } else {
      work.tokens.push_back({match.token->id, source.source(match.begin, match.end),
                             view.substr(match.begin, match.end - match.begin)});
    }
  }
  if (post_processor_) {
    post_processor_->apply(work.tokens, {text, model_->vocabulary(), options.add_special_tokens});
  }
  Encoding encoding;
  encoding.ids.reserve(work.tokens.size());
  encoding.offsets.reserve(work.tokens.size());
  for (const TextToken& token : work.tokens) {
    encoding.ids.push_back(token.id);
    encoding.offsets.push_back(token.source);
  }
  return encoding;
}

void FileTokenizer::encode_section(AlignedText section, bool as_text, Work& work) const {
  if (normalizer_) section = normalizer_->apply(std::move(section));
  std::vector<AddedMatch> matches;
  added_.in_normalized().cut(section.text(), as_text, matches);
  if (matches.size() == 1 && matches[0].token == nullptr) {
    return encode_run(std::move(section), work);
  }
  const AlignedText& text = work.texts.emplace_back(std::move(section));
  const std::string_view view = text.text();
  for (const AddedMatch& match : matches) {
    if (match.token == nullptr) {
      encode_run(text.slice(match.begin, match.end), work);
    } else {
      work.tokens.push_back({match.token->id, text.source(match.begin, match.end),
                             view.substr(match.begin, match.end - match.begin)});
    }
  }
}

void FileTokenizer::encode_run(AlignedText run, Work& work) const {
  PreTokens pieces(std::move(run));
  if (pre_tokenizer_) pre_tokenizer_->apply(pieces);
  if (!model_->takes_byte_level(pieces.text().text())) pieces.expand_byte_level();
  for (const Piece piece : pieces.pieces()) {
    work.piece.clear();
    model_->tokenize(pieces.view(piece), pieces.byte_level(), work.piece);
    size_t end = piece.begin;
    ByteSpan source;
    for (const ModelToken& token : work.piece) {
      const size_t begin = std::exchange(end, end + token.bytes);
      if (end > begin) source = pieces.text().source(begin, end);
      work.tokens.push_back({token.id, source, {}});
    }
  }
}

std::string FileTokenizer::decode(const std::vector<int64_t>& ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const int64_t id : ids) {
    if (skip_special_tokens && is_special(id)) continue;
    const AddedToken* added = added_.find(id);
    const auto token = model_->vocabulary().token(id);
    if (added != nullptr || token) tokens.emplace_back(added ? added->content : *token);
  }
  std::string text;
  if (decoder_) {
    for (const std::string& piece : decoder_->apply(std::move(tokens))) text += piece;
  } else {
    for (const std::string& token : tokens) text.append(text.empty() ? "" : " ").append(token);
  }
  return text;
}

}  // namespace

std::shared_ptr<const Tokenizer> make_file_tokenizer(TokenizerFile file, const std::string& where,
                                                     const std::filesystem::path& folder) {
  auto tokenizer = std::make_shared<FileTokenizer>(std::move(file), where);
  tokenizer->read_roles(folder);
  return tokenizer;
}

}  // namespace distill
