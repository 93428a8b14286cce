#include "distill/eval/answer_log.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>

#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/core/hash.h"
#include "distill/core/log.h"
#include "distill/core/progress.h"
#include "distill/core/version.h"
#include "distill/io/hf_folder.h"
#include "distill/ops/device.h"

namespace distill {
namespace {

constexpr const char* kFormatKey = "distill generate";
constexpr int kFormat = 1;

/// True for keys that say which text comes out; the model and the prompts are known by their
/// hashes.
bool shapes_the_text(const std::string& key) {
  static const std::vector<std::string> kOthers = {
      "model", "output", "overwrite", "prompts_file", "batch_size", "device", "dtype", "threads"};
  return !key.starts_with("prompts.") && key != "prompts" &&
         std::find(kOthers.begin(), kOthers.end(), key) == kOthers.end();
}

std::string hash_of_prompts(const GenerationPlan& plan) {
  Hasher hasher;
  for (const std::string& prompt : plan.prompts) hasher.add(prompt);
  return hasher.key().hex();
}

std::string hash_of_prompt_ids(const GenerationPlan& plan) {
  Hasher hasher;
  for (const std::vector<int64_t>& ids : plan.prompt_ids) {
    hasher.add(static_cast<int64_t>(ids.size())).add(ids.data(), ids.size() * sizeof(int64_t));
  }
  return hasher.key().hex();
}

Json to_json(const GenerationIdentity::Entries& entries) {
  Json json = Json::object();
  for (const auto& [key, value] : entries) json[key] = value;
  return json;
}

bool is_header(const Json& json) {
  const auto has_entries = [&](const char* key) {
    return json.contains(key) && json[key].is_object() &&
           std::all_of(json[key].begin(), json[key].end(),
                       [](const Json& value) { return value.is_string(); });
  };
  return json.is_object() && json.contains(kFormatKey) && json[kFormatKey] == kFormat &&
         has_entries("text") && has_entries("rounding");
}

/// Throws DataError where the line is not the first of a log.
Json read_header(const std::string& line, const std::string& path) {
  try {
    const Json json = parse_json(line, path);
    if (is_header(json)) return json;
  } catch (const DataError&) {  // not even JSON
  }
  throw DataError(path +
                  ": is not a work file of `distill generate`: move it, or choose another output");
}

/// A line for each entry that is not the same.
std::vector<std::string> differences(const Json& then, const GenerationIdentity::Entries& now) {
  constexpr const char* kAbsent = "(not set)";
  std::map<std::string, std::string> values;
  for (const auto& [key, value] : then.items()) values[key] = value.get<std::string>();
  std::vector<std::string> lines;
  const auto compare = [&](const std::string& key, const std::string& old,
                           const std::string& value) {
    if (old != value) lines.push_back(key + ": " + old + " in the file, " + value + " now");
  };
  for (const auto& [key, value] : now) {
    const auto found = values.find(key);
    compare(key, found == values.end() ? kAbsent : found->second, value);
    if (found != values.end()) values.erase(found);
  }
  for (const auto& [key, value] : values) compare(key, value, kAbsent);
  return lines;
}

std::string joined(const std::vector<std::string>& lines, const char* separator) {
  std::string text;
  for (const std::string& line : lines) text += separator + line;
  return text;
}

void warn_of_other_rounding(const std::string& path, const Json& then,
                            const GenerationIdentity::Entries& now) {
  const std::vector<std::string> lines = differences(then, now);
  if (lines.empty()) return;
  log_warning(path +
              ": goes on otherwise than it began, so that logits may differ in their last "
              "bits, and texts where two tokens are about as likely:" +
              joined(lines, "\n  "));
}

}  // namespace

GenerationIdentity generation_identity(const GenerateConfig& config, const GenerationPlan& plan,
                                       const std::filesystem::path& folder,
                                       const Tokenizer& tokenizer, at::Device device,
                                       at::ScalarType dtype) {
  GenerationIdentity identity;
  GenerateConfig copy = config;
  for (const auto& [key, value] : flatten_config([&](Section& section) { copy.fields(section); })) {
    if (shapes_the_text(key)) identity.text.emplace_back(key, value);
  }
  identity.text.emplace_back("dtype", dtype_name(dtype));
  identity.text.emplace_back("model's weights", WeightFiles(folder).hash().hex());
  identity.text.emplace_back("model's config.json", hash_file(folder / "config.json").hex());
  identity.text.emplace_back("tokenizer", tokenizer.hash().hex());
  identity.text.emplace_back("prompts", hash_of_prompts(plan));
  identity.text.emplace_back("tokens of the prompts", hash_of_prompt_ids(plan));
  identity.text.emplace_back("stop ids", Json(plan.sampling.stop_ids).dump());
  identity.rounding = {{"batch_size", std::to_string(config.batch_size)},
                       {"device", device.str()},
                       {"threads", std::to_string(at::get_num_threads())},
                       {"build of distill", build_id()}};
  return identity;
}

AnswerLog::AnswerLog(const std::filesystem::path& path, const GenerationIdentity& identity,
                     size_t count, bool overwrite)
    : file_(path), answers_(count) {
  const std::vector<std::string> lines = file_.read_lines();
  if (goes_on(lines, identity, overwrite)) {
    read(lines);
  } else {
    begin(identity);
  }
}

bool AnswerLog::goes_on(const std::vector<std::string>& lines, const GenerationIdentity& identity,
                        bool overwrite) const {
  if (lines.empty()) return false;
  const std::string path = file_.path().string();
  const Json header = read_header(lines.front(), path);
  const std::vector<std::string> others = differences(header["text"], identity.text);
  if (others.empty()) {
    warn_of_other_rounding(path, header["rounding"], identity.rounding);
    return true;
  }
  if (lines.size() == 1 || overwrite) return false;
  throw DataError(path +
                  ": cannot be gone on with, since what it was begun with is not what was "
                  "asked for now:" +
                  joined(others, "\n  ") +
                  "\nGo on with the options that it was begun with, choose another output, or "
                  "drop its answers with --overwrite");
}

void AnswerLog::begin(const GenerationIdentity& identity) {
  file_.clear();
  const Json header = {{kFormatKey, kFormat},
                       {"text", to_json(identity.text)},
                       {"rounding", to_json(identity.rounding)}};
  file_.append(header.dump());
  file_.sync();
  const std::filesystem::path folder = file_.path().parent_path();
  sync_directory(folder.empty() ? "." : folder);
}

void AnswerLog::read(const std::vector<std::string>& lines) {
  int64_t broken = 0;
  for (size_t i = 1; i < lines.size(); ++i) broken += read_answer(lines[i]) ? 0 : 1;
  if (broken == 0) return;
  log_warning(file_.path().string() + ": " + std::to_string(broken) + plural(" line", broken) +
              " cannot be read: these answers are generated again");
}

bool AnswerLog::read_answer(const std::string& line) {
  try {
    const Json json = parse_json(line, file_.path().string());
    std::vector<int64_t>& answer = answers_.at(json.at("index").get<size_t>());
    auto ids = json.at("ids").get<std::vector<int64_t>>();
    if (ids.empty()) return false;
    if (answer.empty()) ++done_;
    answer = std::move(ids);
    return true;
  } catch (const std::exception&) {  // not JSON, not an answer, or not one of these
    return false;
  }
}

std::string AnswerLog::summary() const {
  return std::to_string(done_) + " of " + std::to_string(answers_.size()) +
         " answers are kept in " + file_.path().string();
}

void AnswerLog::append(size_t n, const std::vector<int64_t>& ids, const GeneratedText& text) {
  Json line = {{"index", n}, {"ids", ids}};
  line.update(distill::to_json(text));
  file_.append(line.dump());
  ++done_;
}

}  // namespace distill
