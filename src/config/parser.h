// The backend that reads a mapping of the YAML tree into typed fields.
#pragma once

#include <string>
#include <vector>

#include "config/section_backend.h"
#include "config/yaml_tree.h"

namespace distill {

struct UnknownKey {
  Place place;
  std::string path;
  std::string key;
  std::vector<std::string> siblings;
};

/// What the parsers of all mappings of one file add to.
struct ParseFindings {
  Problems problems;
  std::vector<UnknownKey> unknown_keys;
};

class Parser final : public SectionBackend {
 public:
  /// `mapping` is null where the section is absent; `place` is then that of the mapping around it.
  Parser(ParseFindings& findings, const Node* mapping, const Place& place, std::string path)
      : findings_(findings), mapping_(mapping), place_(place), path_(std::move(path)) {}

  /// Visits the fields, then notes the keys that no field asked for.
  void parse(const Visit& visit);

  void field(std::string_view key, FieldValue value, const Field& field) override;
  void nested(std::string_view key, const Field& field, const Visit& visit) override;
  void nested_optional(std::string_view key, const Field& field, bool present,
                       const std::function<void(bool)>& assign, const Visit& visit) override;
  void nested_list(std::string_view key, const Field& field, size_t size,
                   const std::function<void(size_t)>& resize,
                   const std::function<void(size_t, Section&)>& visit) override;
  bool type_field(std::string& type, const std::vector<RegistryEntry>& entries,
                  const Field& field) override;
  bool parsing() const override { return true; }
  bool has(std::string_view key) const override;
  void problem(std::string_view key, const std::string& what) override;

 private:
  const Node* find(std::string_view key) const { return mapping_ ? mapping_->find(key) : nullptr; }
  /// The node of a key that is known from now on; a missing one is reported if it is required.
  const Node* take(std::string_view key, bool required, const std::string& expected = "");
  /// False, and reported, unless `node` is of that kind.
  bool is(const Node& node, Node::Kind kind, const std::string& path, const std::string& expected);
  void parse_mapping(const Node& node, const std::string& path, const Visit& visit);

  ParseFindings& findings_;
  const Node* mapping_;
  Place place_;
  std::string path_;
  std::vector<std::string> known_;
  bool any_key_ = false;  // the type is wrong, so that no one knows which keys belong here
};

}  // namespace distill
