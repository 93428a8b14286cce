// Conversations as chat templates read them.
#pragma once

#include "data/document_builder.h"
#include "data/messages.h"
#include "data/record_view.h"
#include "distill/data/record_format.h"

namespace distill {

class MessagesFormat final : public RecordFormat {
 public:
  std::vector<FormatColumn> columns() const override {
    return {{"messages"}, {"tools", /*required=*/false}};
  }
  Writing writing() const override { return Writing::kChat; }

  Document document(const RecordView& record, const DocumentBuilder& builder) const override {
    return builder.chat(read(record));
  }

  std::string plain_text(const RecordView& record, const DocumentBuilder&) const override {
    return join_contents(read(record));
  }

 private:
  static Conversation read(const RecordView& record) {
    Conversation conversation = read_messages(record.json(), record.column("messages"));
    conversation.tools = read_tools(record.json(), record.column("tools"));
    return conversation;
  }
};

}  // namespace distill
