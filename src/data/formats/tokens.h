// Token ids, made elsewhere.
#pragma once

#include "data/document_builder.h"
#include "data/record_view.h"
#include "distill/core/error.h"
#include "distill/data/record_format.h"

namespace distill {

class TokensFormat final : public RecordFormat {
 public:
  std::vector<FormatColumn> columns() const override {
    return {{"tokens"}, {"loss_mask", /*required=*/false}};
  }
  Writing writing() const override { return Writing::kTokens; }

  Document document(const RecordView& record, const DocumentBuilder& builder) const override {
    Document document;
    document.tokens = read_ids(record, builder.tokenizer().vocab_size());
    document.is_target = read_mask(record, document.tokens.size());
    return document;
  }

  std::string plain_text(const RecordView& record, const DocumentBuilder& builder) const override {
    return builder.tokenizer().decode(document(record, builder).tokens,
                                      /*skip_special_tokens=*/true);
  }

 private:
  static std::vector<int64_t> read_ids(const RecordView& record, int64_t vocab_size) {
    const std::string& column = record.column("tokens");
    const Json& ids = record.value("tokens");
    if (!ids.is_array() || ids.empty()) {
      throw DataError("the column '" + column + "': expected a list of token ids, found " +
                      shorten(ids));
    }
    std::vector<int64_t> tokens;
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool fits =
          ids[i].is_number_unsigned() && ids[i].get<uint64_t>() < static_cast<uint64_t>(vocab_size);
      if (!fits) {
        throw DataError(column + "[" + std::to_string(i) + "]: expected a token id below " +
                        std::to_string(vocab_size) + ", found " + shorten(ids[i]));
      }
      tokens.push_back(ids[i].get<int64_t>());
    }
    return tokens;
  }

  static std::vector<bool> read_mask(const RecordView& record, size_t size) {
    const Json* values = record.find("loss_mask");
    if (values == nullptr) return std::vector<bool>(size, true);
    const std::string& column = record.column("loss_mask");
    if (!values->is_array() || values->size() != size) {
      throw DataError("the column '" + column + "': expected a list as long as the tokens (" +
                      std::to_string(size) + ")");
    }
    std::vector<bool> mask(size);
    for (size_t i = 0; i < size; ++i) {
      const Json& value = (*values)[i];
      if (value != 0 && value != 1 && !value.is_boolean()) {
        throw DataError(column + "[" + std::to_string(i) + "]: expected 0 or 1, found " +
                        shorten(value));
      }
      mask[i] = value == 1 || value == true;
    }
    return mask;
  }
};

}  // namespace distill
