// From texts to tokens with marked targets: what the formats share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/conversation.h"
#include "distill/core/hash.h"
#include "distill/data/data_config.h"
#include "distill/data/record_format.h"
#include "distill/flow/batch.h"
#include "distill/text/chat_template.h"
#include "distill/text/tokenizer.h"

namespace distill {

/// Immutable and safe to share between threads.
class DocumentBuilder {
 public:
  /// `chat` may be null. Throws DataError where `writing` needs a chat template or an EOS token
  /// that is not there, and for an eos_token that the tokenizer does not have.
  DocumentBuilder(const SourceConfig& source, Writing writing, TrainOn train_on,
                  std::shared_ptr<const Tokenizer> tokenizer,
                  std::shared_ptr<const ChatTemplate> chat);

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  bool has_chat() const { return chat_ != nullptr; }

  /// Both laid end to end and closed by EOS. The completion is learned; under train_on: all the
  /// prompt, too.
  Document plain(const std::string& prompt, const std::string& completion) const;
  /// As the chat template writes it.
  Document chat(const Conversation& conversation) const;
  /// A question and its answer: a conversation, or plain where there is no chat template.
  Document exchange(const std::string& question, const std::string& answer) const;

  /// All of it that decides on tokens: tokenizer, chat template, EOS, train_on, and the date where
  /// the template asks for it.
  void add_to(Hasher& hasher) const;

 private:
  Document tokenize(const MarkedText& marked, bool rendered) const;

  TrainOn train_on_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<const ChatTemplate> chat_;
  std::optional<int64_t> eos_id_;  // ends a plain text
  Json context_;                   // variables of the chat template
};

}  // namespace distill
