#include "data/dataset_folder.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <regex>
#include <set>

#include "data/plain_file.h"
#include "data/split_files.h"
#include "distill/config/yaml_text.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/io/json.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

/// "a, b, c", and no more than ten.
template <typename Names>
std::string listed(const Names& names) {
  constexpr size_t kMost = 10;
  std::string text;
  size_t count = 0;
  for (const auto& name : names) {
    if (++count > kMost) continue;
    text += (text.empty() ? "" : ", ") + name;
  }
  return count > kMost ? text + " and " + std::to_string(count - kMost) + " more" : text;
}

/// The `configs` of README.md's front matter: a list, empty where there are none.
Json read_configs(const fs::path& folder) {
  const fs::path readme = folder / "README.md";
  if (!fs::exists(readme)) return Json::array();
  const std::string text = read_file(readme);
  if (!text.starts_with("---")) return Json::array();
  std::string block;  // that key's lines alone, in their places
  bool inside = false;
  for (size_t at = text.find('\n') + 1; at != 0 && at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.starts_with("---")) break;
    const bool goes_on =
        line.empty() || std::string_view(" -#\r").find(line[0]) != std::string::npos;
    inside = goes_on ? inside : line.starts_with("configs:");
    block += (inside ? "\n" + line : "\n");
    at = end + 1;
  }
  try {
    const Json front = parse_json(yaml_to_json(block, readme.string()), readme.string());
    const auto configs = front.is_object() ? front.find("configs") : front.end();
    if (!front.is_object() || configs == front.end() || !configs->is_array()) return Json::array();
    return *configs;
  } catch (const ConfigError& error) {
    throw DataError(error.what());
  }
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : "";
}

/// One of several by its name; where none is asked for, the only one, or `otherwise`.
std::string choose(const std::vector<std::string>& names, const std::optional<std::string>& asked,
                   const std::string& otherwise, const std::string& key, const std::string& where) {
  if (asked) {
    if (std::find(names.begin(), names.end(), *asked) != names.end()) return *asked;
    const bool is_slice = asked->find_first_of("[+") != std::string::npos;
    throw DataError(where + ": it has no " + key + " '" + *asked + "'; it has " + listed(names) +
                    (is_slice ? " (the first records only: limit)" : ""));
  }
  if (names.size() == 1) return names.front();
  if (!otherwise.empty()) return otherwise;
  throw DataError(where + ": it has several " + key + "s; give " + key + ": one of " +
                  listed(names));
}

Json choose_config(const Json& configs, const std::optional<std::string>& subset,
                   const std::string& name) {
  if (configs.empty()) {
    if (!subset || *subset == "default") return Json::object();
    throw DataError(name + ": it has no subset '" + *subset +
                    "': its README.md names none (configs)");
  }
  std::vector<std::string> names;
  std::string otherwise;
  for (const Json& config : configs) {
    names.push_back(text_of(config, "config_name"));
    if (text_of(config, "default") == "true" || names.back() == "default") otherwise = names.back();
  }
  const std::string chosen = choose(names, subset, otherwise, "subset", name);
  return configs[static_cast<size_t>(std::find(names.begin(), names.end(), chosen) -
                                     names.begin())];
}

/// Patterns of one split: a string, or a list of them.
std::vector<std::string> patterns_of(const Json& value, const std::string& where) {
  std::vector<std::string> patterns;
  for (const Json& item : value.is_array() ? value : Json::array({value})) {
    if (!item.is_string()) throw DataError(where + ": expected patterns, found " + item.dump());
    patterns.push_back(item.get<std::string>());
    if (patterns.back().find("://") != std::string::npos) {
      throw DataError(where + ": '" + patterns.back() + "' is not a file of the dataset's folder");
    }
  }
  return patterns;
}

/// The files that README.md's `data_files` name.
Splits named_splits(const Json& data_files, const std::vector<std::string>& files,
                    const std::string& where) {
  std::vector<std::pair<std::string, std::vector<std::string>>> patterns;
  if (data_files.is_object()) {
    for (const auto& [split, value] : data_files.items()) {
      patterns.emplace_back(split, patterns_of(value, where));
    }
  } else if (data_files.is_array() && !data_files.empty() && data_files.front().is_object()) {
    for (const Json& entry : data_files) {
      const Json path = entry.is_object() && entry.contains("path") ? entry["path"] : Json();
      patterns.emplace_back(text_of(entry, "split"), patterns_of(path, where));
    }
  } else {
    patterns.emplace_back("train", patterns_of(data_files, where));
  }
  Splits splits;
  for (const auto& [split, list] : patterns) {
    std::set<std::string> found;
    for (const std::string& pattern : list) {
      for (const std::string& file : match_files(files, pattern)) found.insert(file);
    }
    splits.emplace_back(split, std::vector<std::string>(found.begin(), found.end()));
  }
  return splits;
}

/// Every shard of "-00000-of-00002" is there.
void require_all_shards(const std::vector<std::string>& files, const std::string& where) {
  static const std::regex shard(R"((.*)-\d{5}-of-(\d{5})[^/]*)");
  std::map<std::pair<std::string, std::string>, size_t> counts;
  std::smatch parts;
  for (const std::string& file : files) {
    if (std::regex_match(file, parts, shard)) ++counts[{parts[1], parts[2]}];
  }
  for (const auto& [series, count] : counts) {
    const size_t expected = std::strtoul(series.second.c_str(), nullptr, 10);
    if (count != expected) {
      throw DataError(where + ": " + std::to_string(count) + " of the " + std::to_string(expected) +
                      " files '" + series.first + "-*-of-" + series.second +
                      "' are there; fetch the whole dataset");
    }
  }
}

void require_one_kind(const std::vector<std::string>& files, const std::string& where) {
  for (const std::string& file : files) {
    if (plain_extension(file) != plain_extension(files.front())) {
      throw DataError(where + ": files of several kinds: " + listed(files) +
                      "; name those to read in path");
    }
  }
}

}  // namespace

std::vector<fs::path> dataset_files(const fs::path& folder, const std::string& name,
                                    const DatasetPart& part) {
  const Json config = choose_config(read_configs(folder), part.subset, name);
  const fs::path base = folder / (config.contains("data_files") ? "" : text_of(config, "data_dir"));
  const std::vector<std::string> files = list_files(base);
  Splits splits = config.contains("data_files")
                      ? named_splits(config["data_files"], files, name + ": README.md: data_files")
                      : splits_by_name(files);
  if (splits.empty()) {
    throw DataError(name + ": " + base.string() + " has no file of records (JSON, CSV, TSV, " +
                    "text, Parquet, Arrow)");
  }
  std::vector<std::string> names;
  for (const auto& [split, unused] : splits) names.push_back(split);
  const std::string chosen = choose(names, part.split, "", "split", name);
  const auto found = std::find_if(splits.begin(), splits.end(),
                                  [&chosen](const auto& split) { return split.first == chosen; });
  const std::string where = name + ", split " + chosen;
  if (found->second.empty()) {
    throw DataError(where + ": none of its files is in " + folder.string() +
                    "; fetch the whole dataset");
  }
  require_all_shards(found->second, where);
  require_one_kind(found->second, where);
  std::vector<fs::path> paths;
  for (const std::string& file : found->second) paths.push_back(base / file);
  return paths;
}

}  // namespace distill
