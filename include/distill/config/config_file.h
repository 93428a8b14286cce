// A YAML file with overrides, read strictly into typed structs.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "distill/config/section.h"

namespace distill {

/// A parsed configuration: the YAML tree after overrides, with the origin of every value.
/// yaml-cpp stays behind this header.
class ConfigFile {
 public:
  /// Reads `path` and applies overrides such as "optimizer.learning_rate=1e-5" or
  /// "objective.1.temperature=4": the value is YAML, an index one past the end appends, absent
  /// sections are made, a number with a key of a schedule ("objective.1.temperature.to=1") becomes
  /// its `from`. Throws ConfigError for a file that cannot be read or is not YAML. What else
  /// is wrong (duplicate and merge keys, tags, aliases to themselves, malformed overrides) is kept
  /// for `read`, which reports everything at once.
  static ConfigFile load(const std::filesystem::path& path,
                         const std::vector<std::string>& overrides = {});
  /// The same from text; `name` stands for the path in messages.
  static ConfigFile parse(const std::string& text, const std::string& name,
                          const std::vector<std::string>& overrides = {});
  ~ConfigFile();
  ConfigFile(ConfigFile&&) noexcept;
  ConfigFile& operator=(ConfigFile&&) noexcept;

  /// Visits `fields` over the root mapping. Throws ConfigError with every problem, sorted by place:
  /// `file:line:column: path.to.key: what; did you mean 'x'?` (overrides: `command line: path:
  /// ...`).
  void read(const std::function<void(Section&)>& fields) const;

  /// The resolved configuration as YAML: every key with its value, and the origin of the value as a
  /// comment (`# default`, `# line 12`, `# command line`). Parsing it again gives the same values.
  /// The values are those that `fields` holds: call it after `read`, on the same struct.
  std::string resolved(const std::function<void(Section&)>& fields) const;

 private:
  ConfigFile();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Markdown tables of every key: key, type, default, help. Nested sections and registry entries get
/// headings of their own.
std::string document_config(const std::function<void(Section&)>& fields);

/// Plain-text options of one component, for `distill list`: a line a key.
std::string describe_fields(const std::function<void(Section&)>& fields);

/// Every value under its dotted path ("data.train.0.path"), as YAML. Absent sections are left out.
std::vector<std::pair<std::string, std::string>> flatten_config(
    const std::function<void(Section&)>& fields);
/// Every number that may change over a run, in the same way.
std::vector<std::pair<std::string, Number>> numbers_of_config(
    const std::function<void(Section&)>& fields);

/// The nearest of `candidates` by edit distance, or "" when none is near.
std::string nearest_name(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace distill
