// The backend that prints the values of typed fields as YAML, each with its origin.
#pragma once

#include <string>

#include "config/section_backend.h"
#include "config/yaml_tree.h"

namespace distill {

class Dumper final : public SectionBackend {
 public:
  /// `mapping` is what the file says of the section, or null; it tells the origins.
  Dumper(std::string& text, const Node* mapping, size_t indent)
      : text_(text), mapping_(mapping), indent_(indent) {}

  void field(std::string_view key, FieldValue value, const Field& field) override;
  void nested(std::string_view key, const Field& field, const Visit& visit) override;
  void nested_optional(std::string_view key, const Field& field, bool present,
                       const std::function<void(bool)>& assign, const Visit& visit) override;
  void nested_list(std::string_view key, const Field& field, size_t size,
                   const std::function<void(size_t)>& resize,
                   const std::function<void(size_t, Section&)>& visit) override;
  bool type_field(std::string& type, const std::vector<RegistryEntry>& entries,
                  const Field& field) override;

 private:
  const Node* find(std::string_view key) const { return mapping_ ? mapping_->find(key) : nullptr; }
  void line(std::string_view key, const std::string& value);
  void start(std::string_view key);

  std::string& text_;
  const Node* mapping_;
  size_t indent_;
};

}  // namespace distill
