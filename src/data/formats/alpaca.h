// Tasks as Stanford Alpaca writes them: https://github.com/tatsu-lab/stanford_alpaca
#pragma once

#include "data/document_builder.h"
#include "data/record_view.h"
#include "distill/data/record_format.h"

namespace distill {

class AlpacaFormat final : public RecordFormat {
 public:
  std::vector<FormatColumn> columns() const override {
    return {{"instruction"}, {"input", /*required=*/false}, {"output"}};
  }
  Writing writing() const override { return Writing::kChatOrPlain; }

  Document document(const RecordView& record, const DocumentBuilder& builder) const override {
    const std::string instruction = record.text("instruction");
    const std::string input = input_of(record);
    const std::string output = record.text("output");
    if (!builder.has_chat()) return builder.plain(prompt(instruction, input), output);
    return builder.exchange(input.empty() ? instruction : instruction + "\n" + input, output);
  }

  std::string plain_text(const RecordView& record, const DocumentBuilder&) const override {
    const std::string instruction = record.text("instruction");
    const std::string input = input_of(record);
    return instruction + "\n" + input + "\n" + record.text("output");
  }

 private:
  static std::string input_of(const RecordView& record) {
    const Json* input = record.find("input");
    return input == nullptr || input->is_null() ? "" : record.text("input");
  }

  /// What its models were trained with (train.py), without a newline at the end.
  static std::string prompt(const std::string& instruction, const std::string& input) {
    const std::string task = "Below is an instruction that describes a task";
    const std::string request =
        "Write a response that appropriately completes the request.\n\n### Instruction:\n" +
        instruction;
    const std::string end = "\n\n### Response:";
    if (input.empty()) return task + ". " + request + end;
    return task + ", paired with an input that provides further context. " + request +
           "\n\n### Input:\n" + input + end;
  }
};

}  // namespace distill
