// One source of records.
#include <algorithm>

#include "data/text_template.h"
#include "distill/core/error.h"
#include "distill/data/data_config.h"
#include "distill/data/record_format.h"

namespace distill {
namespace {

std::string join(const std::vector<std::string>& words, const std::string& between = ", ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const RegistryEntry& entry : record_formats().entries()) names.push_back(entry.name);
  return names;
}

/// "What a record holds. text: {text}, learned whole. ..."
std::string format_help() {
  std::string help = "What a record holds.";
  for (const RegistryEntry& entry : record_formats().entries()) {
    help += " " + entry.name + ": " + entry.summary;
  }
  return help;
}

std::vector<std::string> fields_of(const std::string& format) {
  std::vector<std::string> fields;
  for (const FormatColumn& column : record_formats().create(format)->columns()) {
    fields.push_back(column.field);
  }
  return fields;
}

bool has_field(const std::string& format, const std::string& field) {
  const std::vector<std::string> fields = fields_of(format);
  return std::find(fields.begin(), fields.end(), field) != fields.end();
}

void check_columns(Section& section, const SourceConfig& source) {
  for (const auto& [field, column] : source.columns) {
    if (has_field(source.format, field)) continue;
    section.problem("columns", "'" + field + "' is not a field of this format; its fields are " +
                                   join(fields_of(source.format)));
  }
}

void check_template(Section& section, const std::string& field, const SourceConfig& source) {
  const auto text = source.text_template(field);
  if (!text) return;
  const std::string key = field + "_template";
  if (!has_field(source.format, field)) {
    std::vector<std::string> names = format_names();
    std::erase_if(names, [&](const std::string& name) { return !has_field(name, field); });
    section.problem(key, "only the format " + join(names, " or ") + " takes it");
  }
  try {
    TextTemplate parsed(*text);
  } catch (const DataError& error) {
    section.problem(key, error.what());
  }
}

}  // namespace

std::string SourceConfig::column(const std::string& field) const {
  for (const auto& [name, column] : columns) {
    if (name == field) return column;
  }
  return field;
}

std::optional<std::string> SourceConfig::text_template(const std::string& field) const {
  if (field == "prompt") return prompt_template;
  if (field == "completion") return completion_template;
  return std::nullopt;
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
  section.field("format", format,
                {.help = format_help(), .choices = format_names(), .required = true});
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
  check_template(section, "prompt", *this);
  check_template(section, "completion", *this);
}

}  // namespace distill
