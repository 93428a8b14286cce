#include "distill/config/config_file.h"

#include "config/documenter.h"
#include "config/dumper.h"
#include "config/overrides.h"
#include "config/parser.h"
#include "config/suggestions.h"
#include "distill/core/error.h"
#include "distill/core/files.h"

namespace distill {
namespace {

// Guards against a model or a data file that is given for a configuration.
constexpr std::uintmax_t kLargestFile = 4 << 20;

void name_unknown_keys(ParseFindings& findings, const std::function<void(Section&)>& fields) {
  if (findings.unknown_keys.empty()) return;
  const std::vector<std::string> schema = schema_paths(fields);
  for (const UnknownKey& unknown : findings.unknown_keys) {
    const std::string hint = suggest_key(unknown.key, unknown.siblings, schema);
    findings.problems.add(
        unknown.place, unknown.path,
        hint.empty() ? "unknown key" : "unknown key; did you mean '" + hint + "'?");
  }
}

}  // namespace

struct ConfigFile::Impl {
  Node root;
  Problems problems;  // known before any field is visited
};

ConfigFile::ConfigFile() = default;
ConfigFile::~ConfigFile() = default;
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;

ConfigFile ConfigFile::load(const std::filesystem::path& path,
                            const std::vector<std::string>& overrides) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > kLargestFile) {
    throw ConfigError(path.string() + ": is no configuration: " + std::to_string(size) +
                      " bytes, " + "expected at most " + std::to_string(kLargestFile));
  }
  try {
    return parse(read_file(path), path.string(), overrides);
  } catch (const DataError& unreadable) {
    throw ConfigError(unreadable.what());
  }
}

ConfigFile ConfigFile::parse(const std::string& text, const std::string& name,
                             const std::vector<std::string>& overrides) {
  Problems problems(name);
  Node root = parse_yaml(text, 0, "", problems);
  if (root.kind == Node::Kind::kNull) {
    problems.add(root.place, "", "the file is empty, expected a mapping of keys");
  } else if (root.kind != Node::Kind::kMapping && root.kind != Node::Kind::kBroken) {
    problems.add(root.place, "", "expected a mapping of keys, found " + describe(root));
  }
  if (root.kind != Node::Kind::kMapping) problems.raise_if_any();
  for (size_t i = 0; i < overrides.size(); ++i) {
    apply_override(root, overrides[i], i + 1, problems);
  }
  ConfigFile file;
  file.impl_ = std::make_unique<Impl>(Impl{std::move(root), std::move(problems)});
  return file;
}

void ConfigFile::read(const std::function<void(Section&)>& fields) const {
  ParseFindings findings{impl_->problems, {}};
  Parser(findings, &impl_->root, impl_->root.place, "").parse(fields);
  name_unknown_keys(findings, fields);
  findings.problems.raise_if_any();
}

std::string ConfigFile::resolved(const std::function<void(Section&)>& fields) const {
  std::string text;
  Dumper root(text, &impl_->root, 0);
  Section section(root);
  fields(section);
  return text.empty() ? "{}\n" : text;
}

}  // namespace distill
