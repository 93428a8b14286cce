#include "config/flattener.h"

#include <algorithm>

#include "config/value_writer.h"
#include "distill/config/config_file.h"

namespace distill {

void Flattener::field(std::string_view key, FieldValue value, const Field&) {
  sink_(prefix_ + std::string(key), value);
}

void Flattener::nested(std::string_view key, const Field&, const Visit& visit) {
  Flattener inner(sink_, prefix_ + std::string(key) + ".");
  Section section(inner);
  visit(section);
}

void Flattener::nested_optional(std::string_view key, const Field& field, bool present,
                                const std::function<void(bool)>&, const Visit& visit) {
  if (present) nested(key, field, visit);
}

void Flattener::nested_list(std::string_view key, const Field&, size_t size,
                            const std::function<void(size_t)>&,
                            const std::function<void(size_t, Section&)>& visit) {
  for (size_t i = 0; i < size; ++i) {
    Flattener inner(sink_, prefix_ + std::string(key) + "." + std::to_string(i) + ".");
    Section section(inner);
    visit(i, section);
  }
}

bool Flattener::type_field(std::string& type, const std::vector<RegistryEntry>& entries,
                           const Field&) {
  sink_(prefix_ + "type", &type);
  return std::any_of(entries.begin(), entries.end(),
                     [&type](const RegistryEntry& entry) { return entry.name == type; });
}

namespace {

void show_all(const std::function<void(Section&)>& fields, const Flattener::Sink& sink) {
  Flattener flattener(sink, "");
  Section section(flattener);
  fields(section);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> flatten_config(
    const std::function<void(Section&)>& fields) {
  StringPairs values;
  show_all(fields, [&values](const std::string& path, const FieldValue& value) {
    values.emplace_back(path, to_yaml(value));
  });
  return values;
}

std::vector<std::pair<std::string, Number>> numbers_of_config(
    const std::function<void(Section&)>& fields) {
  std::vector<std::pair<std::string, Number>> numbers;
  show_all(fields, [&numbers](const std::string& path, const FieldValue& value) {
    if (const auto* number = std::get_if<Number*>(&value)) numbers.emplace_back(path, **number);
  });
  return numbers;
}

}  // namespace distill
