#include "distill/config/section.h"

#include "config/section_backend.h"

namespace distill {

void Section::field(std::string_view key, bool& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, int64_t& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, double& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, std::string& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, std::optional<int64_t>& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, std::optional<double>& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, std::optional<std::string>& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, std::vector<int64_t>& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, std::vector<double>& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, std::vector<std::string>& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, StringPairs& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, Number& value, const Field& field) {
  backend_.field(key, &value, field);
}
void Section::field(std::string_view key, StepSpan& value, const Field& field) {
  backend_.field(key, &value, field);
}

void Section::problem(std::string_view key, const std::string& what) {
  backend_.problem(key, what);
}
bool Section::has(std::string_view key) const { return backend_.has(key); }
bool Section::parsing() const { return backend_.parsing(); }

void Section::nested(std::string_view key, const Field& field,
                     const std::function<void(Section&)>& visit) {
  backend_.nested(key, field, visit);
}
void Section::nested_optional(std::string_view key, const Field& field, bool present,
                              const std::function<void(bool)>& assign,
                              const std::function<void(Section&)>& visit) {
  backend_.nested_optional(key, field, present, assign, visit);
}
void Section::nested_list(std::string_view key, const Field& field, size_t size,
                          const std::function<void(size_t)>& resize,
                          const std::function<void(size_t, Section&)>& visit) {
  backend_.nested_list(key, field, size, resize, visit);
}
bool Section::type_field(std::string& type, const std::vector<RegistryEntry>& entries,
                         const Field& field) {
  return backend_.type_field(type, entries, field);
}
bool Section::documenting() const { return backend_.documenting(); }
void Section::document_entry(const RegistryEntry& entry,
                             const std::function<void(Section&)>& visit) {
  backend_.document_entry(entry, visit);
}

}  // namespace distill
