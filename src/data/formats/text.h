// Texts to learn whole, as for pre-training.
#pragma once

#include "data/document_builder.h"
#include "data/record_view.h"
#include "distill/data/record_format.h"

namespace distill {

class TextFormat final : public RecordFormat {
 public:
  std::vector<FormatColumn> columns() const override { return {{"text"}}; }
  Writing writing() const override { return Writing::kPlain; }

  Document document(const RecordView& record, const DocumentBuilder& builder) const override {
    return builder.plain("", record.text("text"));
  }

  std::string plain_text(const RecordView& record, const DocumentBuilder&) const override {
    return record.text("text");
  }
};

}  // namespace distill
