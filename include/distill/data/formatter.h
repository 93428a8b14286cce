// From a record to a document: text, tokens, and which of them the loss sees.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "distill/core/hash.h"
#include "distill/data/data_config.h"
#include "distill/flow/batch.h"
#include "distill/io/json.h"
#include "distill/text/chat_template.h"
#include "distill/text/tokenizer.h"

namespace distill {

/// Immutable and safe to share between threads.
class Formatter {
 public:
  /// `chat` may be null: prompts and completions are then laid end to end and close with EOS.
  /// Throws DataError where the format needs a chat template or an EOS token that is not there.
  Formatter(const SourceConfig& source, TrainOn train_on,
            std::shared_ptr<const Tokenizer> tokenizer, std::shared_ptr<const ChatTemplate> chat);
  ~Formatter();
  Formatter(Formatter&&) noexcept;

  /// Tokens and targets; the sample is left to the caller. Throws DataError that names the column.
  Document format(const Json& record) const;
  /// Hash of the columns that `format` reads, so that records which differ elsewhere, as in an id,
  /// are equal. Throws DataError for what is not a record.
  ContentKey content_key(const Json& record) const;
  /// The texts of those columns without any template, for a look at their words: a conversation's
  /// contents, the text of token ids. Throws DataError as `format` does.
  std::string plain_text(const Json& record) const;
  /// Hash of all beside the record that decides on its tokens: tokenizer, chat template, format,
  /// train_on, and the date where the template asks for it.
  ContentKey identity() const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace distill
