#include "distill/data/formatter.h"

#include <chrono>

#include "data/conversation.h"
#include "data/text_template.h"
#include "distill/core/error.h"
#include "distill/core/version.h"

namespace distill {
namespace {

bool is_chat(RecordFormat format) {
  return format == RecordFormat::kMessages || format == RecordFormat::kShareGpt;
}

// The prompt that Alpaca's models were trained with, without a newline at its end:
// https://github.com/tatsu-lab/stanford_alpaca (train.py)
std::string alpaca_prompt(const std::string& instruction, const std::string& input) {
  const std::string task = "Below is an instruction that describes a task";
  const std::string request =
      "Write a response that appropriately completes the request.\n\n### Instruction:\n" +
      instruction;
  const std::string end = "\n\n### Response:";
  if (input.empty()) return task + ". " + request + end;
  return task + ", paired with an input that provides further context. " + request +
         "\n\n### Input:\n" + input + end;
}

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

}  // namespace

struct Formatter::Impl {
  SourceConfig source;
  TrainOn train_on;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<const ChatTemplate> chat;
  std::optional<int64_t> eos_id;  // ends a plain text
  Json context;                   // variables of the chat template
  std::optional<TextTemplate> prompt;
  std::optional<TextTemplate> completion;

  const std::string& text(const Json& record, const std::string& field) const {
    return text_column(record, source.column(field));
  }

  Document tokenize(const MarkedText& marked, bool rendered) const {
    // A rendered text has its special tokens already.
    Encoding encoding = tokenizer->encode(marked.text, {.add_special_tokens = !rendered});
    Document document;
    document.is_target = mark_tokens(encoding.offsets, marked.targets);
    document.tokens = std::move(encoding.ids);
    if (!rendered) {
      const int64_t eos = *eos_id;
      if (document.tokens.empty() || document.tokens.back() != eos) {
        document.tokens.push_back(eos);
        document.is_target.push_back(true);
      }
      document.is_target.back() = true;
    }
    return document;
  }

  Document plain(const std::string& prompt_text, const std::string& completion_text) const {
    const size_t begin = train_on == TrainOn::kAll ? 0 : prompt_text.size();
    MarkedText marked{prompt_text + completion_text, {}};
    marked.targets = {{begin, marked.text.size()}};
    return tokenize(marked, /*rendered=*/false);
  }

  Document chat_document(const Conversation& conversation) const {
    return tokenize(render_chat(*chat, conversation, context, train_on), /*rendered=*/true);
  }

  Document pair(const std::string& prompt_text, const std::string& completion_text) const {
    if (!chat) return plain(prompt_text, completion_text);
    return chat_document(make_exchange(prompt_text, completion_text));
  }

  std::string prompt_text(const Json& record) const {
    return prompt ? prompt->fill(record) : text(record, "prompt");
  }

  std::string completion_text(const Json& record) const {
    return completion ? completion->fill(record) : text(record, "completion");
  }

  Document prompt_completion(const Json& record) const {
    // The prompt first, so that it is the one named where both are missing.
    const std::string question = prompt_text(record);
    return pair(question, completion_text(record));
  }

  std::string alpaca_input(const Json& record) const {
    const std::string column = source.column("input");
    const bool has_input = record.contains(column) && !record[column].is_null();
    return has_input ? text(record, "input") : "";
  }

  Document alpaca(const Json& record) const {
    const std::string& instruction = text(record, "instruction");
    const std::string input = alpaca_input(record);
    if (!chat) return plain(alpaca_prompt(instruction, input), text(record, "output"));
    return pair(input.empty() ? instruction : instruction + "\n" + input, text(record, "output"));
  }

  Conversation read_conversation(const Json& record) const {
    Conversation conversation = source.format == RecordFormat::kMessages
                                    ? read_messages(record, source.column("messages"))
                                    : read_sharegpt(record, source.column("conversations"));
    conversation.tools = read_tools(record, source.column("tools"));
    return conversation;
  }

  Document tokens(const Json& record) const {
    const std::string column = source.column("tokens");
    const Json& ids = column_of(record, column);
    if (!ids.is_array() || ids.empty()) {
      throw DataError("the column '" + column + "': expected a list of token ids, found " +
                      shorten(ids));
    }
    Document document;
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool fits = ids[i].is_number_unsigned() &&
                        ids[i].get<uint64_t>() < static_cast<uint64_t>(tokenizer->vocab_size());
      if (!fits) {
        throw DataError(column + "[" + std::to_string(i) + "]: expected a token id below " +
                        std::to_string(tokenizer->vocab_size()) + ", found " + shorten(ids[i]));
      }
      document.tokens.push_back(ids[i].get<int64_t>());
    }
    document.is_target = loss_mask(record, ids.size());
    return document;
  }

  std::vector<bool> loss_mask(const Json& record, size_t size) const {
    const std::string column = source.column("loss_mask");
    if (!record.contains(column)) return std::vector<bool>(size, true);
    const Json& values = record[column];
    if (!values.is_array() || values.size() != size) {
      throw DataError("the column '" + column + "': expected a list as long as the tokens (" +
                      std::to_string(size) + ")");
    }
    std::vector<bool> mask(size);
    for (size_t i = 0; i < size; ++i) {
      if (values[i] != 0 && values[i] != 1 && !values[i].is_boolean()) {
        throw DataError(column + "[" + std::to_string(i) + "]: expected 0 or 1, found " +
                        shorten(values[i]));
      }
      mask[i] = values[i] == 1 || values[i] == true;
    }
    return mask;
  }
};

Formatter::Formatter(const SourceConfig& source, TrainOn train_on,
                     std::shared_ptr<const Tokenizer> tokenizer,
                     std::shared_ptr<const ChatTemplate> chat) {
  const bool plain_text =
      source.format == RecordFormat::kText || (!chat && source.format != RecordFormat::kTokens);
  if (!chat && is_chat(source.format)) {
    throw DataError(source.path +
                    ": conversations need a chat template, and there is none: the model's folder "
                    "has none, or data.chat_template is none");
  }
  auto impl = std::make_unique<Impl>();
  impl->eos_id =
      source.eos_token ? tokenizer->token_to_id(*source.eos_token) : tokenizer->special().eos_id;
  if (source.eos_token && !impl->eos_id) {
    throw DataError(source.path + ": eos_token: the tokenizer has no token '" + *source.eos_token +
                    "'");
  }
  if (plain_text && !impl->eos_id) {
    throw DataError(source.path +
                    ": a text ends with EOS, and the tokenizer has no EOS token; name one with "
                    "eos_token");
  }
  impl->source = source;
  impl->train_on = train_on;
  if (chat) impl->context = template_context(tokenizer->special());
  impl->tokenizer = std::move(tokenizer);
  impl->chat = std::move(chat);
  if (source.prompt_template) impl->prompt.emplace(*source.prompt_template);
  if (source.completion_template) impl->completion.emplace(*source.completion_template);
  impl_ = std::move(impl);
}

Formatter::~Formatter() = default;
Formatter::Formatter(Formatter&&) noexcept = default;

ContentKey Formatter::content_key(const Json& record) const {
  const SourceConfig& source = impl_->source;
  if (!record.is_object()) {
    throw DataError("expected a record (a JSON object), found " + shorten(record));
  }
  Hasher hasher;
  hasher.add(static_cast<int64_t>(source.format)).add(source.eos_token.value_or(""));
  for (const std::string& field : format_fields(source.format)) {
    const auto column = record.find(source.column(field));
    if (field == "prompt" && impl_->prompt) {
      hasher.add(impl_->prompt->fill(record));
    } else if (field == "completion" && impl_->completion) {
      hasher.add(impl_->completion->fill(record));
    } else {
      hasher.add(column == record.end() ? "" : column->dump());
    }
  }
  return hasher.key();
}

std::string Formatter::plain_text(const Json& record) const {
  const SourceConfig& source = impl_->source;
  switch (source.format) {
    case RecordFormat::kText:
      return impl_->text(record, "text");
    case RecordFormat::kPromptCompletion:
      return impl_->prompt_text(record) + "\n" + impl_->completion_text(record);
    case RecordFormat::kMessages:
    case RecordFormat::kShareGpt: {
      std::string text;
      for (const Json& message : impl_->read_conversation(record).messages) {
        const auto content = message.find("content");
        if (content != message.end() && content->is_string()) {
          text += content->get_ref<const std::string&>() + "\n";
        }
      }
      return text;
    }
    case RecordFormat::kAlpaca:
      return impl_->text(record, "instruction") + "\n" + impl_->alpaca_input(record) + "\n" +
             impl_->text(record, "output");
    case RecordFormat::kTokens:
      return impl_->tokenizer->decode(impl_->tokens(record).tokens, /*skip_special_tokens=*/true);
  }
  throw Error("Formatter: no such format");
}

ContentKey Formatter::identity() const {
  constexpr int64_t kGeneration = 1;  // to be raised where the same inputs give other tokens
  const SourceConfig& source = impl_->source;
  Hasher hasher;
  hasher.add(kGeneration).add(commit()).add(impl_->tokenizer->hash().hex());
  hasher.add(template_context(impl_->tokenizer->special()).dump()).add(impl_->eos_id.value_or(-1));
  hasher.add(static_cast<int64_t>(source.format)).add(static_cast<int64_t>(impl_->train_on));
  hasher.add(static_cast<int64_t>(source.file_type)).add(static_cast<int64_t>(source.sample_by));
  for (const std::string& field : format_fields(source.format)) hasher.add(source.column(field));
  hasher.add(source.prompt_template.value_or("")).add(source.completion_template.value_or(""));
  const std::string chat = impl_->chat ? impl_->chat->source() : "";
  hasher.add(static_cast<int64_t>(impl_->chat != nullptr)).add(chat);
  if (chat.find("strftime_now") != std::string::npos) {
    hasher.add(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now())
                   .time_since_epoch()
                   .count());
  }
  return hasher.key();
}

Document Formatter::format(const Json& record) const {
  switch (impl_->source.format) {
    case RecordFormat::kText:
      return impl_->plain("", impl_->text(record, "text"));
    case RecordFormat::kPromptCompletion:
      return impl_->prompt_completion(record);
    case RecordFormat::kMessages:
    case RecordFormat::kShareGpt:
      return impl_->chat_document(impl_->read_conversation(record));
    case RecordFormat::kAlpaca:
      return impl_->alpaca(record);
    case RecordFormat::kTokens:
      return impl_->tokens(record);
  }
  throw Error("Formatter: no such format");
}

}  // namespace distill
