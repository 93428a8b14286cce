#include "text/tokenizer/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/declared_tokens.h"
#include "text/tokenizer/special_tokens.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using Processor = sentencepiece::SentencePieceProcessor;

// What a class of tokenizer puts around a text if its configuration does not say.
struct Frame {
  bool bos = false;
  bool eos = false;
};

Frame read_frame(const fs::path& folder) {
  const std::string where = (folder / "tokenizer_config.json").string();
  const Json config = read_object_if_there(folder / "tokenizer_config.json");
  std::string name = json_string_or(config, "tokenizer_class", "", where);
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  Frame frame;
  if (name == "LlamaTokenizer" || name == "GemmaTokenizer") {
    frame.bos = true;
  } else if (name == "T5Tokenizer") {
    frame.eos = true;
  } else if (!name.empty()) {
    throw DataError(
        where + ": a SentencePiece model of " + name +
        " is not supported; supported are LlamaTokenizer, GemmaTokenizer, T5Tokenizer; " +
        "save the tokenizer as tokenizer.json with transformers");
  }
  frame.bos = json_bool_or(config, "add_bos_token", frame.bos, where);
  frame.eos = json_bool_or(config, "add_eos_token", frame.eos, where);
  return frame;
}

Vocabulary pieces_of(const Processor& processor) {
  Vocabulary vocabulary;
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    vocabulary.add_again(processor.IdToPiece(id), id);
  }
  return vocabulary;
}

Json added_rules(const fs::path& folder, const Processor& processor, const Vocabulary& vocabulary) {
  std::vector<std::pair<std::string, std::string>> roles;
  const auto add = [&](const char* role, int id) {
    if (id >= 0) roles.emplace_back(role, processor.IdToPiece(id));
  };
  add("bos_token", processor.bos_id());
  add("eos_token", processor.eos_id());
  add("unk_token", processor.unk_id());
  add("pad_token", processor.pad_id());
  return DeclaredTokens(folder, vocabulary, roles).rules();
}

class SentencePieceTokenizer final : public Tokenizer {
 public:
  explicit SentencePieceTokenizer(const fs::path& path)
      : processor_(std::make_unique<Processor>()), frame_(read_frame(path.parent_path())) {
    const std::string model = read_file(path);
    const auto status = processor_->LoadFromSerializedProto(model);
    if (!status.ok()) {
      throw DataError(path.string() + ": not a SentencePiece model: " + status.message());
    }
    vocabulary_ = pieces_of(*processor_);
    const Json rules = added_rules(path.parent_path(), *processor_, vocabulary_);
    added_ = std::make_unique<AddedTokens>(rules, vocabulary_, nullptr, path.string());
    special_ = read_special_tokens(path.parent_path(), *this);
    take_role(special_.bos, special_.bos_id, processor_->bos_id());
    take_role(special_.eos, special_.eos_id, processor_->eos_id());
    take_role(special_.pad, special_.pad_id, processor_->pad_id());
    take_role(special_.unk, special_.unk_id, processor_->unk_id());
    if ((frame_.bos && !special_.bos_id) || (frame_.eos && !special_.eos_id)) {
      throw DataError(path.string() + ": the model lacks the BOS or EOS to put around a text");
    }
    hash_ = Hasher().add(model).add(rules.dump()).add(frame_.bos).add(frame_.eos).key();
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    if (text.size() > INT32_MAX) throw DataError("a text is too long to encode");
    const AlignedText source = AlignedText::from_any_bytes(text);
    Encoding out;
    const bool frames = options.add_special_tokens;
    if (frames && frame_.bos) add(*special_.bos_id, {}, out);
    std::vector<AddedMatch> matches;
    added_->in_source().cut(source.text(), options.special_tokens_as_text, matches);
    for (const AddedMatch& match : matches) {
      if (match.token != nullptr) {
        add(match.token->id, source.source(match.begin, match.end), out);
      } else {
        encode_section(source.slice(match.begin, match.end), options.special_tokens_as_text, out);
      }
    }
    if (frames && frame_.eos) add(*special_.eos_id, {}, out);
    return out;
  }

  std::string decode(const std::vector<int64_t>& ids, bool skip_special_tokens) const override {
    std::string out;
    std::vector<int> run;
    const auto flush = [&] {
      std::string text;
      if (!run.empty() && processor_->Decode(run, &text).ok()) out += text;
      run.clear();
    };
    for (const int64_t id : ids) {
      const AddedToken* added = added_->find(id);
      if (added != nullptr && added->special && skip_special_tokens) continue;
      if (added != nullptr && id != processor_->unk_id()) {
        flush();
        out += added->content;
      } else if (id >= 0 && id < processor_->GetPieceSize()) {
        run.push_back(static_cast<int>(id));
      }
    }
    flush();
    return out;
  }

  std::optional<int64_t> token_to_id(std::string_view token) const override {
    if (const AddedToken* added = added_->find(token)) return added->id;
    const int32_t id = vocabulary_.find(token);
    return id == Vocabulary::kAbsent ? std::nullopt : std::optional<int64_t>(id);
  }
  std::string id_to_token(int64_t id) const override {
    if (const AddedToken* added = added_->find(id)) return added->content;
    return std::string(vocabulary_.token(id).value_or(""));
  }
  int64_t vocab_size() const override { return std::max(vocabulary_.id_end(), added_->id_end()); }
  bool is_special(int64_t id) const override {
    const AddedToken* added = added_->find(id);
    return added != nullptr && added->special;
  }
  bool adds_bos() const override { return frame_.bos; }

 private:
  static void add(int64_t id, ByteSpan span, Encoding& out) {
    out.ids.push_back(id);
    out.offsets.push_back(span);
  }

  void take_role(std::optional<std::string>& token, std::optional<int64_t>& id, int piece) const {
    if (token || piece < 0) return;
    token = processor_->IdToPiece(piece);
    id = piece;
  }

  void encode_section(const AlignedText& section, bool as_text, Encoding& out) const {
    std::vector<AddedMatch> matches;
    added_->in_normalized().cut(section.text(), as_text, matches);
    for (const AddedMatch& match : matches) {
      if (match.token != nullptr) {
        add(match.token->id, section.source(match.begin, match.end), out);
      } else {
        encode_run(section.slice(match.begin, match.end), out);
      }
    }
  }

  void encode_run(const AlignedText& run, Encoding& out) const {
    const auto pieces = processor_->EncodeAsImmutableProto(run.text());
    for (size_t i = 0; i < pieces.pieces_size(); ++i) {
      const auto piece = pieces.pieces(static_cast<int>(i));
      add(piece.id(), span_of(run, piece.begin(), piece.end()), out);
    }
  }

  // An added space covers no byte of the text.
  static ByteSpan span_of(const AlignedText& run, size_t begin, size_t end) {
    if (end > begin) return run.source(begin, end);
    const int32_t place = begin > 0 ? run.source(begin - 1, begin).end : run.source(0, 1).begin;
    return {place, place};
  }

  std::unique_ptr<Processor> processor_;
  Frame frame_;
  Vocabulary vocabulary_;
  std::unique_ptr<AddedTokens> added_;
};

}  // namespace

std::shared_ptr<const Tokenizer> load_sentencepiece(const fs::path& model) {
  return std::make_shared<SentencePieceTokenizer>(model);
}

}  // namespace distill
