#include "data/split_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <optional>
#include <regex>
#include <set>
#include <string_view>

#include "data/plain_file.h"
#include "distill/core/error.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, const char*>, 10> kKeywords = {
    {{"train", "train"},
     {"training", "train"},
     {"validation", "validation"},
     {"valid", "validation"},
     {"dev", "validation"},
     {"val", "validation"},
     {"test", "test"},
     {"testing", "test"},
     {"eval", "test"},
     {"evaluation", "test"}}};

void add(Splits& splits, const std::string& split, const std::string& file) {
  const auto found = std::find_if(splits.begin(), splits.end(),
                                  [&split](const auto& known) { return known.first == split; });
  (found == splits.end() ? splits.emplace_back(split, std::vector<std::string>{}) : *found)
      .second.push_back(file);
}

/// The splits whose keywords are whole words of a name, where words end at "-._ ", at digits and at
/// the name's ends.
std::set<std::string> splits_of_name(const std::string& name) {
  std::set<std::string> splits;
  std::string_view rest = name;
  while (!rest.empty()) {
    const size_t size = std::min(rest.find_first_of("-._ 0123456789"), rest.size());
    for (const auto& [keyword, split] : kKeywords) {
      if (rest.substr(0, size) == keyword) splits.insert(split);
    }
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  return splits;
}

/// By the folders of each file, or by its own name.
Splits by_keyword(const std::vector<std::string>& files, bool by_folder) {
  Splits splits;
  for (const std::string& file : files) {
    std::set<std::string> names;
    const fs::path path(file);
    if (by_folder) {
      for (const fs::path& folder : path.parent_path())
        names.merge(splits_of_name(folder.string()));
    } else {
      names = splits_of_name(path.filename().string());
    }
    if (names.size() > 1) {
      throw DataError(file + ": its name says both " + *names.begin() + " and " + *names.rbegin() +
                      "; name the files themselves in path");
    }
    if (!names.empty()) add(splits, *names.begin(), file);
  }
  return splits;
}

/// data/<split>-00000-of-00002.parquet and its like.
Splits by_shard(const std::vector<std::string>& files) {
  static const std::regex shard(R"(data/(\w+(?:\.\w+)*)-\d{5}-of-\d{5}[^/]*)");
  Splits splits;
  std::smatch parts;
  for (const std::string& file : files) {
    if (std::regex_match(file, parts, shard)) add(splits, parts[1], file);
  }
  return splits;
}

using Parts = std::vector<std::string>;

Parts parts_of(const std::string& path) {
  Parts parts;
  for (const fs::path& part : fs::path(path)) parts.push_back(part.string());
  return parts;
}

bool matches(const Parts& pattern, size_t p, const Parts& path, size_t at) {
  if (p == pattern.size()) return at == path.size();
  if (pattern[p] == "**") {
    if (p + 1 == pattern.size()) return at < path.size();
    for (size_t skip = at; skip < path.size(); ++skip) {
      if (matches(pattern, p + 1, path, skip)) return true;
    }
    return false;
  }
  return at < path.size() && ::fnmatch(pattern[p].c_str(), path[at].c_str(), 0) == 0 &&
         matches(pattern, p + 1, path, at + 1);
}

}  // namespace

bool is_records(const std::string& file) {
  static const std::set<std::string> extensions = {".jsonl", ".json", ".ndjson",  ".csv",
                                                   ".tsv",   ".txt",  ".parquet", ".arrow"};
  return extensions.count(plain_extension(file)) != 0;
}

std::vector<std::string> list_files(const fs::path& folder) {
  static const std::set<std::string> notes = {"README.md",         "config.json",
                                              "dataset_info.json", "dataset_infos.json",
                                              "dataset_dict.json", "state.json"};
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    // A link without its target is a file that was not fetched: opening it will say so.
    if (at->is_directory(ignored)) {
      if (name.starts_with('.') || name.starts_with("__")) at.disable_recursion_pending();
    } else if (!name.starts_with('.') && notes.count(name) == 0) {
      files.push_back(at->path().lexically_relative(folder).generic_string());
    }
  }
  if (error) throw DataError(folder.string() + ": cannot be listed: " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> match_files(const std::vector<std::string>& files,
                                     const std::string& pattern) {
  const Parts wanted = parts_of(pattern.starts_with("./") ? pattern.substr(2) : pattern);
  std::vector<std::string> found;
  for (const std::string& file : files) {
    if (matches(wanted, 0, parts_of(file), 0)) found.push_back(file);
  }
  return found;
}

Splits splits_by_name(const std::vector<std::string>& files) {
  std::vector<std::string> records;
  std::copy_if(files.begin(), files.end(), std::back_inserter(records), is_records);
  if (records.empty()) return {};
  for (Splits splits : {by_shard(records), by_keyword(records, true), by_keyword(records, false)}) {
    if (!splits.empty()) return splits;
  }
  return {{"train", records}};
}

}  // namespace distill
