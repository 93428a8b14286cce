#include "data/document_builder.h"

#include <chrono>

#include "distill/core/error.h"

namespace distill {
namespace {

/// A token belongs to a range that holds any of its bytes: the one that joins a prompt's last space
/// to an answer's first word is the answer's.
std::vector<bool> mark_tokens(const std::vector<ByteSpan>& offsets,
                              const std::vector<std::pair<size_t, size_t>>& ranges) {
  std::vector<bool> marks(offsets.size());
  for (size_t i = 0; i < offsets.size(); ++i) {
    const auto begin = static_cast<size_t>(offsets[i].begin);
    const auto end = static_cast<size_t>(offsets[i].end);
    for (const auto& range : ranges) {
      if (begin < range.second && end > range.first) marks[i] = true;
    }
  }
  return marks;
}

std::optional<int64_t> find_eos(const SourceConfig& source, const Tokenizer& tokenizer) {
  if (!source.eos_token) return tokenizer.special().eos_id;
  const auto id = tokenizer.token_to_id(*source.eos_token);
  if (id) return id;
  throw DataError(source.path + ": eos_token: the tokenizer has no token '" + *source.eos_token +
                  "'");
}

}  // namespace

DocumentBuilder::DocumentBuilder(const SourceConfig& source, Writing writing, TrainOn train_on,
                                 std::shared_ptr<const Tokenizer> tokenizer,
                                 std::shared_ptr<const ChatTemplate> chat)
    : train_on_(train_on), tokenizer_(std::move(tokenizer)), chat_(std::move(chat)) {
  if (writing == Writing::kChat && !chat_) {
    throw DataError(source.path +
                    ": conversations need a chat template, and there is none: the model's folder "
                    "has none, or data.chat_template is none");
  }
  eos_id_ = find_eos(source, *tokenizer_);
  const bool plain = writing == Writing::kPlain || (writing == Writing::kChatOrPlain && !chat_);
  if (plain && !eos_id_) {
    throw DataError(source.path +
                    ": a text ends with EOS, and the tokenizer has no EOS token; name one with "
                    "eos_token");
  }
  context_ = template_context(tokenizer_->special());
}

Document DocumentBuilder::tokenize(const MarkedText& marked, bool rendered) const {
  // A rendered text has its special tokens already.
  Encoding encoding = tokenizer_->encode(marked.text, {.add_special_tokens = !rendered});
  Document document;
  document.is_target = mark_tokens(encoding.offsets, marked.targets);
  document.tokens = std::move(encoding.ids);
  if (!rendered) {
    const int64_t eos = *eos_id_;
    if (document.tokens.empty() || document.tokens.back() != eos) {
      document.tokens.push_back(eos);
      document.is_target.push_back(true);
    }
    document.is_target.back() = true;
  }
  return document;
}

Document DocumentBuilder::plain(const std::string& prompt, const std::string& completion) const {
  const size_t begin = train_on_ == TrainOn::kAll ? 0 : prompt.size();
  MarkedText marked{prompt + completion, {}};
  marked.targets = {{begin, marked.text.size()}};
  return tokenize(marked, /*rendered=*/false);
}

Document DocumentBuilder::chat(const Conversation& conversation) const {
  return tokenize(render_chat(*chat_, conversation, context_, train_on_), /*rendered=*/true);
}

Document DocumentBuilder::exchange(const std::string& question, const std::string& answer) const {
  return chat_ ? chat(make_exchange(question, answer)) : plain(question, answer);
}

void DocumentBuilder::add_to(Hasher& hasher) const {
  hasher.add(tokenizer_->hash().hex()).add(context_.dump()).add(eos_id_.value_or(-1));
  hasher.add(static_cast<int64_t>(train_on_));
  const std::string source = chat_ ? chat_->source() : "";
  hasher.add(static_cast<int64_t>(has_chat())).add(source);
  if (source.find("strftime_now") == std::string::npos) return;
  const auto now = std::chrono::system_clock::now();
  hasher.add(std::chrono::floor<std::chrono::days>(now).time_since_epoch().count());
}

}  // namespace distill
