// The backend that shows every value with its dotted path.
#pragma once

#include <functional>
#include <string>

#include "config/section_backend.h"

namespace distill {

class Flattener final : public SectionBackend {
 public:
  using Sink = std::function<void(const std::string& path, FieldValue value)>;

  /// `prefix` is "" or ends with a dot.
  Flattener(const Sink& sink, std::string prefix) : sink_(sink), prefix_(std::move(prefix)) {}

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
  const Sink& sink_;
  std::string prefix_;
};

}  // namespace distill
