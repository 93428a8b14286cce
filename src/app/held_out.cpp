#include "app/held_out.h"

#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/data/batch_stream.h"
#include "distill/data/dataset.h"
#include "distill/data/record_format.h"
#include "distill/text/tokenizer.h"

namespace distill::app {
namespace {

constexpr int64_t kDocuments = 8;  // a forward pass

std::string format_names() {
  std::string names;
  for (const RegistryEntry& entry : record_formats().entries()) {
    names += (names.empty() ? "" : ", ") + entry.name;
  }
  return names;
}

}  // namespace

void DataOptions::add_to(CLI::App& command) {
  command.add_option("--data", path,
                     "held-out records: JSONL, JSON, CSV, TSV or text, as such or compressed");
  command.add_option("--format", format, format_names())->capture_default_str();
  command.add_option("--column", columns, "field=column, as in prompt=question");
  command.add_option("--max-length", max_length, "longer documents are truncated")
      ->check(CLI::Range(int64_t{2}, int64_t{1} << 31))
      ->capture_default_str();
}

void require_same_tokenizer(const std::filesystem::path& student,
                            const std::filesystem::path& teacher) {
  for (const auto& folder : {student, teacher}) {
    if (!std::filesystem::exists(folder / "tokenizer.json")) return;
  }
  if (load_tokenizer(student)->hash() == load_tokenizer(teacher)->hash()) return;
  throw DataError(student.string() + " and the teacher, " + teacher.string() +
                  ", have different tokenizers: their losses are not about the same tokens");
}

std::vector<Batch> held_out_batches(const RunConfig& config, const std::string& tokenizer_folder) {
  const auto chat = choose_chat_template(config.data.chat_template, tokenizer_folder);
  const DataSplits splits = load_data(config.data, load_tokenizer(tokenizer_folder), chat);
  if (!splits.eval) {
    throw ConfigError("the configuration holds nothing out: set data.test_size or data.eval");
  }
  return all_batches(*splits.eval, config.train.micro_batch_size, config.data.eval_limit);
}

namespace {

std::string first_said(const std::string& a, const std::string& b) { return a == "auto" ? b : a; }

}  // namespace

DeviceOptions student_device(const RunConfig& config, const DeviceOptions& command_line) {
  return {first_said(command_line.device, config.run.device),
          first_said(command_line.dtype, config.run.dtype),
          command_line.threads > 0 ? command_line.threads : config.run.threads};
}

DeviceOptions teacher_device(const RunConfig& config, const DeviceOptions& command_line) {
  DeviceOptions options = student_device(config, command_line);
  if (!config.teacher) return options;
  options.device =
      first_said(command_line.device, first_said(config.teacher->device, options.device));
  options.dtype = first_said(command_line.dtype, first_said(config.teacher->dtype, options.dtype));
  return options;
}

std::vector<Batch> file_batches(const DataOptions& data, const std::string& tokenizer_folder) {
  Json columns = Json::object();
  for (const std::string& pair : data.columns) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) {
      throw ConfigError("--column: expected field=column, found '" + pair + "'");
    }
    const std::string field = pair.substr(0, equals);
    if (columns.contains(field)) throw ConfigError("--column: '" + field + "' is given twice");
    columns[field] = pair.substr(equals + 1);
  }
  DataConfig config;
  config.too_long = TooLong::kTruncate;
  config.max_length = data.max_length;
  // The same reader as a run's: the options are the keys of a source.
  ConfigFile::parse("{}", "--data",
                    {"path=" + Json(data.path).dump(), "format=" + Json(data.format).dump(),
                     "columns=" + columns.dump()})
      .read([&](Section& section) { config.train.emplace_back().fields(section); });
  const auto chat = choose_chat_template(config.chat_template, tokenizer_folder);
  return all_batches(*load_sources(config.train, config, load_tokenizer(tokenizer_folder), chat),
                     kDocuments);
}

}  // namespace distill::app
