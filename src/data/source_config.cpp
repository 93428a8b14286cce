// One source of records.
#include <algorithm>

#include "data/text_template.h"
#include "distill/core/error.h"
#include "distill/data/data_config.h"

namespace distill {
namespace {

const std::vector<std::pair<std::string, RecordFormat>>& format_names() {
  static const std::vector<std::pair<std::string, RecordFormat>> names = {
      {"text", RecordFormat::kText},         {"prompt_completion", RecordFormat::kPromptCompletion},
      {"messages", RecordFormat::kMessages}, {"sharegpt", RecordFormat::kShareGpt},
      {"alpaca", RecordFormat::kAlpaca},     {"tokens", RecordFormat::kTokens}};
  return names;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void check_columns(Section& section, const SourceConfig& source) {
  const std::vector<std::string>& known = format_fields(source.format);
  for (const auto& [field, column] : source.columns) {
    if (std::find(known.begin(), known.end(), field) == known.end()) {
      section.problem("columns", "'" + field + "' is not a field of this format; its fields are " +
                                     join(known));
    }
  }
}

void check_template(Section& section, const char* key, const SourceConfig& source,
                    const std::optional<std::string>& text) {
  if (!text) return;
  if (source.format != RecordFormat::kPromptCompletion) {
    section.problem(key, "only the format prompt_completion takes it");
  }
  try {
    TextTemplate parsed(*text);
  } catch (const DataError& error) {
    section.problem(key, error.what());
  }
}

}  // namespace

const std::vector<std::string>& format_fields(RecordFormat format) {
  static const std::vector<std::string> text = {"text"};
  static const std::vector<std::string> prompt_completion = {"prompt", "completion"};
  static const std::vector<std::string> messages = {"messages", "tools"};
  static const std::vector<std::string> sharegpt = {"conversations", "tools"};
  static const std::vector<std::string> alpaca = {"instruction", "input", "output"};
  static const std::vector<std::string> tokens = {"tokens", "loss_mask"};
  switch (format) {
    case RecordFormat::kText:
      return text;
    case RecordFormat::kPromptCompletion:
      return prompt_completion;
    case RecordFormat::kMessages:
      return messages;
    case RecordFormat::kShareGpt:
      return sharegpt;
    case RecordFormat::kAlpaca:
      return alpaca;
    case RecordFormat::kTokens:
      return tokens;
  }
  throw Error("format_fields: no such format");
}

std::string SourceConfig::column(const std::string& field) const {
  for (const auto& [name, column] : columns) {
    if (name == field) return column;
  }
  return field;
}

void SourceConfig::fields(Section& section) {
  section.field(
      "path", path,
      {.help = "A file of records, or a pattern with *, ? and [...] for several. gzip and zstd are "
               "read too. Or a dataset: a folder, or a hub id (org/name) found in the local "
               "Hugging Face cache.",
       .required = true});
  section.field(
      "subset", subset,
      {.help = "The subset of a dataset that has several.", .default_text = "the default"});
  section.field("split", split,
                {.help = "The split of a dataset that has several: train, test, ...",
                 .default_text = "the only one"});
  section.field(
      "file_type", file_type,
      {{"auto", FileType::kAuto},
       {"json", FileType::kJson},
       {"csv", FileType::kCsv},
       {"tsv", FileType::kTsv},
       {"text", FileType::kText},
       {"parquet", FileType::kParquet},
       {"arrow", FileType::kArrow}},
      {.help = "json: a record a line (JSONL), or a list. csv, tsv: a header row names "
               "the columns. text: plain text. parquet, arrow: a record a row. auto: by "
               "the extension (.csv, .tsv, .txt, .parquet, .arrow), json for any other."});
  section.field("sample_by", sample_by,
                {{"line", SampleBy::kLine},
                 {"paragraph", SampleBy::kParagraph},
                 {"document", SampleBy::kDocument}},
                {.help = "What is a record of a plain text file: a line, the lines up to a blank "
                         "one, or the whole file."});
  section.field(
      "format", format, format_names(),
      {.help = "What a record holds. text: {text}. prompt_completion: {prompt, completion}. "
               "messages: {messages: [{role, content}], tools}. sharegpt: {conversations: "
               "[{from, value}], tools}. alpaca: {instruction, input, output}. tokens: {tokens, "
               "loss_mask}.",
       .required = true});
  section.field("columns", columns,
                {.help = "The column of each field, where it is not the field's own name, such as "
                         "{prompt: question, completion: answer}.",
                 .default_text = "the fields' names"});
  section.field(
      "prompt_template", prompt_template,
      {.help = "The prompt out of several columns, such as 'Question: {question}'. {{ and "
               "}} are braces.",
       .default_text = "the prompt column"});
  section.field("completion_template", completion_template,
                {.help = "The same for the completion.", .default_text = "the completion column"});
  section.field("eos_token", eos_token,
                {.help = "The token that ends a text where there is no chat template.",
                 .default_text = "the tokenizer's EOS"});
  section.field(
      "weight", weight,
      {.help = "How often an epoch sees the source: 2 twice, 0.5 a half of it, drawn anew "
               "each epoch.",
       .max = 1000,
       .above = 0});
  section.field("num_samples", num_samples,
                {.help = "Records of the source that an epoch sees, in place of weight: more than "
                         "it has repeat it, the rest is drawn anew each epoch.",
                 .min = 1,
                 .max = 1e9,
                 .default_text = "weight says"});
  section.field("limit", limit,
                {.help = "Only the first records of the source.", .min = 1, .default_text = "all"});
  if (!section.parsing()) return;
  if (sample_by != SampleBy::kLine && file_type != FileType::kAuto &&
      file_type != FileType::kText) {
    section.problem("sample_by", "only plain text files take it");
  }
  if (num_samples && weight != 1.0) {
    section.problem("num_samples", "it excludes weight: give one of the two");
  }
  check_columns(section, *this);
  check_template(section, "prompt_template", *this, prompt_template);
  check_template(section, "completion_template", *this, completion_template);
}

}  // namespace distill
