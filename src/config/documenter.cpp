#include "config/documenter.h"

#include <algorithm>

#include "config/diagnostics.h"
#include "config/value_writer.h"

namespace distill {
namespace {

// A configuration that contains itself, such as an ensemble of teachers, is documented once.
constexpr size_t kDeepest = 12;

struct Book {
  std::deque<DocumentedSection> sections;  // a deque: the open ones are referred to
  std::vector<std::string> open_entries;
};

class Documenter final : public SectionBackend {
 public:
  Documenter(Book& book, DocumentedSection section) : book_(book) {
    book_.sections.push_back(std::move(section));
    section_ = &book_.sections.back();
  }

  void field(std::string_view key, FieldValue value, const Field& field) override {
    add(key, type_text(value, field), to_yaml(value), field);
  }

  void nested(std::string_view key, const Field& field, const Visit& visit) override {
    add(key, "mapping", "", field);
    go_into(std::string(key), field.help, visit);
  }

  void nested_optional(std::string_view key, const Field& field, bool present,
                       const std::function<void(bool)>&, const Visit& visit) override {
    add(key, "mapping or null", present ? "" : "null", field);
    go_into(std::string(key), field.help, visit);
  }

  void nested_list(std::string_view key, const Field& field, size_t size,
                   const std::function<void(size_t)>&,
                   const std::function<void(size_t, Section&)>& visit) override {
    add(key, "list of mappings", size == 0 ? "[]" : "", field);
    go_into(join_path(key, "N"), field.help, [&](Section& section) { visit(size, section); });
  }

  bool type_field(std::string& type, const std::vector<RegistryEntry>& entries,
                  const Field& field) override {
    std::vector<std::string> names;
    for (const RegistryEntry& entry : entries) names.push_back(entry.name);
    const auto& open = book_.open_entries;
    entries_documented_ =
        !names.empty() &&
        std::find_first_of(open.begin(), open.end(), names.begin(), names.end()) != open.end();
    Field row = field;
    if (row.help.empty()) row.help = "Which one; its own keys are listed under its name.";
    row.required |= type.empty();
    add("type", "one of " + join_names(names), yaml_string(type), row);
    return false;
  }

  bool documenting() const override { return true; }

  void document_entry(const RegistryEntry& entry, const Visit& visit) override {
    if (entries_documented_ || section_->depth == kDeepest) return;
    book_.open_entries.push_back(entry.name);
    Documenter inner(book_, {.path = section_->path,
                             .entry = entry.name,
                             .help = entry.summary,
                             .depth = section_->depth + 1});
    Section section(inner);
    visit(section);
    book_.open_entries.pop_back();
  }

 private:
  void add(std::string_view key, std::string type, std::string value, const Field& field) {
    if (!field.default_text.empty()) value = field.default_text;
    if (field.required) value = "required";
    section_->rows.push_back({std::string(key), std::move(type), std::move(value), field.help});
  }

  void go_into(const std::string& key, const std::string& help, const Visit& visit) {
    if (section_->depth == kDeepest) return;
    Documenter inner(
        book_,
        {.path = join_path(section_->path, key), .help = help, .depth = section_->depth + 1});
    Section section(inner);
    visit(section);
  }

  Book& book_;
  DocumentedSection* section_;
  bool entries_documented_ = false;
};

}  // namespace

std::deque<DocumentedSection> document(const std::function<void(Section&)>& fields) {
  Book book;
  Documenter root(book, {.path = ""});
  Section section(root);
  fields(section);
  return std::move(book.sections);
}

std::vector<std::string> schema_paths(const std::function<void(Section&)>& fields) {
  std::vector<std::string> paths;
  for (const DocumentedSection& section : document(fields)) {
    for (const auto& row : section.rows) paths.push_back(join_path(section.path, row.key));
  }
  return paths;
}

}  // namespace distill
