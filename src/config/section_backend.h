// What a Section does with a visited mapping: parse it, dump it, or document it. One object a
// mapping: the nested one is made by the backend of the mapping around it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "distill/config/section.h"

namespace distill {

using StringPairs = std::vector<std::pair<std::string, std::string>>;

/// A value of any type that a field may have.
using FieldValue =
    std::variant<bool*, int64_t*, double*, std::string*, std::optional<int64_t>*,
                 std::optional<double>*, std::optional<std::string>*, std::vector<int64_t>*,
                 std::vector<double>*, std::vector<std::string>*, StringPairs*, Number*, StepSpan*>;

/// The members mean what those of Section mean.
class SectionBackend {
 public:
  using Visit = std::function<void(Section&)>;

  virtual ~SectionBackend() = default;

  virtual void field(std::string_view key, FieldValue value, const Field& field) = 0;
  virtual void nested(std::string_view key, const Field& field, const Visit& visit) = 0;
  virtual void nested_optional(std::string_view key, const Field& field, bool present,
                               const std::function<void(bool)>& assign, const Visit& visit) = 0;
  virtual void nested_list(std::string_view key, const Field& field, size_t size,
                           const std::function<void(size_t)>& resize,
                           const std::function<void(size_t, Section&)>& visit) = 0;
  virtual bool type_field(std::string& type, const std::vector<RegistryEntry>& entries,
                          const Field& field) = 0;

  virtual bool parsing() const { return false; }
  virtual bool has(std::string_view) const { return false; }
  virtual void problem(std::string_view, const std::string&) {}

  virtual bool documenting() const { return false; }
  virtual void document_entry(const RegistryEntry&, const Visit&) {}
};

}  // namespace distill
