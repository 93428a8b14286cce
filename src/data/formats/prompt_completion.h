// Questions with their answers.
#pragma once

#include "data/document_builder.h"
#include "data/record_view.h"
#include "distill/data/record_format.h"

namespace distill {

class PromptCompletionFormat final : public RecordFormat {
 public:
  std::vector<FormatColumn> columns() const override { return {{"prompt"}, {"completion"}}; }
  Writing writing() const override { return Writing::kChatOrPlain; }

  Document document(const RecordView& record, const DocumentBuilder& builder) const override {
    // The prompt first, so that it is the one named where both are missing.
    const std::string prompt = record.text("prompt");
    return builder.exchange(prompt, record.text("completion"));
  }

  std::string plain_text(const RecordView& record, const DocumentBuilder&) const override {
    const std::string prompt = record.text("prompt");
    return prompt + "\n" + record.text("completion");
  }
};

}  // namespace distill
