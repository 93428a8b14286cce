#include "distill/eval/answer_log.h"

#include <algorithm>
#include <map>
#include <optional>

#include "distill/core/error.h"
#include "distill/core/log.h"

namespace distill {
namespace {

constexpr const char* kFormatKey = "distill generate";
constexpr int kFormat = 1;

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

/// Null where the line is not the first of a log.
std::optional<Json> read_header(const std::string& line, const std::string& path) {
  try {
    const Json json = parse_json(line, path);
    if (is_header(json)) return json;
  } catch (const DataError&) {  // not even JSON
  }
  return std::nullopt;
}

/// Whether this may be a header that was cut off.
bool begins_header(const std::string& text) {
  const std::string head =
      Json{{kFormatKey, kFormat}, {"text", Json::object()}}.dump();  // ends with two braces
  const std::string first = head.substr(0, head.size() - 2);
  return text.starts_with(first) || first.starts_with(text);
}

[[noreturn]] void refuse(const std::string& path) {
  throw DataError(path +
                  ": is not a work file of `distill generate`: move it, or choose another output");
}

std::string place(const std::string& path, size_t line) {
  return path + ':' + std::to_string(line);
}

/// The ids of an answer. Throws DataError where they are none, or not those of a whole answer.
std::vector<int64_t> read_ids(const Json& json, const std::string& where,
                              const GenerationPlan& plan) {
  std::vector<int64_t> ids;
  const Json list = json.value("ids", Json());
  if (!list.is_array()) throw DataError(where + ": ids: expected a list, found " + list.dump());
  for (const Json& id : list) {
    if (!id.is_number_integer() || id < 0 || id >= plan.vocabulary) {
      throw DataError(where + ": ids: expected token ids below " + std::to_string(plan.vocabulary) +
                      ", found " + id.dump());
    }
    ids.push_back(id.get<int64_t>());
  }
  if (is_whole_answer(ids, plan.sampling)) return ids;
  throw DataError(where + ": ids: do not end where the options end an answer");
}

void warn_of_broken_lines(const std::vector<std::string>& problems) {
  constexpr size_t kShown = 8;
  if (problems.empty()) return;
  std::string text = "what is no answer of this command in the work file is generated again:";
  for (size_t i = 0; i < std::min(problems.size(), kShown); ++i) text += "\n  " + problems[i];
  if (problems.size() > kShown) {
    text += "\n  and " + std::to_string(problems.size() - kShown) + " more";
  }
  log_warning(text);
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

/// What the answers of a log give as an output; empty where it is no log, or has a line that is
/// none.
std::string output_of(const LineFile& log) {
  const std::string path = log.path().string();
  const std::vector<std::string> lines = log.read_lines();
  if (lines.empty() || !read_header(lines.front(), path)) return "";
  std::map<int64_t, std::string> answers;
  try {
    for (size_t i = 1; i < lines.size(); ++i) {
      Json json = parse_json(lines[i], path);
      const int64_t index = json_int(json, "index", place(path, i + 1));
      json.erase("index");
      json.erase("ids");
      answers[index] = json.dump() + '\n';
    }
  } catch (const DataError&) {
    return "";
  }
  std::string output;
  for (const auto& [index, line] : answers) output += line;
  return output;
}

}  // namespace

AnswerLog::AnswerLog(const std::filesystem::path& path, const GenerationIdentity& identity,
                     const GenerationPlan& plan, bool overwrite)
    : file_(path), answers_(plan.size()) {
  const std::vector<std::string> lines = file_.read_lines();
  if (goes_on(lines, identity, overwrite)) {
    read(lines, plan);
  } else {
    begin(identity);
  }
}

bool AnswerLog::goes_on(const std::vector<std::string>& lines, const GenerationIdentity& identity,
                        bool overwrite) const {
  const std::string path = file_.path().string();
  if (lines.empty()) {
    if (!begins_header(file_.read_cut_line())) refuse(path);
    return false;
  }
  const std::optional<Json> header = read_header(lines.front(), path);
  if (!header) refuse(path);
  const std::vector<std::string> others = differences(header->at("text"), identity.text);
  if (others.empty()) {
    warn_of_other_rounding(path, header->at("rounding"), identity.rounding);
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

void AnswerLog::read(const std::vector<std::string>& lines, const GenerationPlan& plan) {
  std::vector<std::string> problems;
  for (size_t i = 1; i < lines.size(); ++i) {
    try {
      read_answer(lines[i], i + 1, plan);
    } catch (const DataError& error) {
      problems.emplace_back(error.what());
    }
  }
  warn_of_broken_lines(problems);
}

void AnswerLog::read_answer(const std::string& line, size_t number, const GenerationPlan& plan) {
  const std::string path = file_.path().string(), where = place(path, number);
  const Json json = parse_json(line, path, {static_cast<int64_t>(number), 1});
  const auto index = static_cast<size_t>(json_int(json, "index", where));
  if (index >= answers_.size()) {
    throw DataError(where + ": index: expected 0 to " + std::to_string(answers_.size() - 1) +
                    ", found " + json["index"].dump());
  }
  std::vector<int64_t> ids = read_ids(json, where, plan);
  if (answers_[index].empty()) ++done_;
  answers_[index] = std::move(ids);
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

void remove_finished_log(const std::filesystem::path& log, const std::filesystem::path& output) {
  if (!std::filesystem::is_regular_file(log) || !std::filesystem::is_regular_file(output)) return;
  LineFile file(log);
  const std::string finished = output_of(file);
  if (finished.empty() || finished != read_file(output)) return;
  file.remove();
  log_info("removed " + log.string() + ": its answers are all in " + output.string());
}

}  // namespace distill
