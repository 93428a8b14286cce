// One description of a component's options that parses, checks, prints and documents them.
//
//   struct KlOptions {
//     double weight = 1.0;
//     double temperature = 1.0;
//     void fields(Section& section) {
//       section.field("weight", weight, {.help = "Factor of this term in the loss.", .min = 0});
//       section.field("temperature", temperature, {.help = "Softmax temperature.", .above = 0});
//     }
//   };
//
// The same `fields` is visited to parse a YAML mapping, to print the resolved values with their
// origin, and to write docs/config.md; which of the three is under way is the section's business.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "distill/config/number.h"
#include "distill/config/registry.h"

namespace distill {

/// What a field says of itself and what its value must be.
struct Field {
  std::string help = {};                                    ///< one or two sentences, plain text
  double min = -std::numeric_limits<double>::infinity();    ///< inclusive
  double max = std::numeric_limits<double>::infinity();     ///< inclusive
  double above = -std::numeric_limits<double>::infinity();  ///< exclusive lower bound
  double below = std::numeric_limits<double>::infinity();   ///< exclusive upper bound
  std::vector<std::string> choices = {};                    ///< strings: one of these
  bool required = false;
  std::string default_text = {};  ///< for docs, where the default is not a constant
};

class SectionBackend;  // parsing, dumping or documenting (src/config)

/// A mapping of the configuration that is being visited.
class Section {
 public:
  explicit Section(SectionBackend& backend) : backend_(backend) {}

  // The value keeps what it holds when the key is absent: its initial value is the default.
  void field(std::string_view key, bool& value, const Field& field);
  void field(std::string_view key, int64_t& value, const Field& field);
  void field(std::string_view key, double& value, const Field& field);
  void field(std::string_view key, std::string& value, const Field& field);
  void field(std::string_view key, std::optional<int64_t>& value, const Field& field);
  void field(std::string_view key, std::optional<double>& value, const Field& field);
  void field(std::string_view key, std::optional<std::string>& value, const Field& field);
  void field(std::string_view key, std::vector<int64_t>& value, const Field& field);
  void field(std::string_view key, std::vector<double>& value, const Field& field);
  void field(std::string_view key, std::vector<std::string>& value, const Field& field);
  /// A mapping from names to strings, such as `columns`.
  void field(std::string_view key, std::vector<std::pair<std::string, std::string>>& value,
             const Field& field);
  /// A number, or a mapping of from, to, over and shape: see Number. The field's range holds for
  /// the whole course.
  void field(std::string_view key, Number& value, const Field& field);
  void field(std::string_view key, StepSpan& value, const Field& field);

  /// A string in the file, an enumerator in the program. `names` lists both.
  template <typename E>
  requires std::is_enum_v<E>
  void field(std::string_view key, E& value, const std::vector<std::pair<std::string, E>>& names,
             Field field) {
    std::string text;
    for (const auto& [name, enumerator] : names) {
      if (enumerator == value) text = name;
      field.choices.push_back(name);
    }
    this->field(key, text, field);
    for (const auto& [name, enumerator] : names) {
      if (name == text) value = enumerator;
    }
  }

  /// A nested mapping with a `fields(Section&)` of its own. Absent: its defaults (and its required
  /// fields are then missing).
  template <typename T>
  void section(std::string_view key, T& value, const Field& field) {
    nested(key, field, [&value](Section& inner) { value.fields(inner); });
  }

  /// A nested mapping that may be absent. `key: null` empties it, absent keeps what it holds.
  template <typename T>
  void section(std::string_view key, std::optional<T>& value, const Field& field) {
    nested_optional(
        key, field, value.has_value(),
        [&value](bool present) { present ? void(value.emplace()) : value.reset(); },
        [&value](Section& inner) { (value ? *value : value.emplace()).fields(inner); });
  }

  /// A list of mappings. A list in the file replaces the whole default.
  template <typename T>
  void list(std::string_view key, std::vector<T>& value, const Field& field) {
    nested_list(
        key, field, value.size(), [&value](size_t size) { value.resize(size); },
        [&value](size_t i, Section& inner) {
          if (i < value.size()) {
            value[i].fields(inner);
          } else {
            T{}.fields(inner);  // documentation
          }
        });
  }

  /// A mapping whose `type` names an entry of a registry; the other keys are that entry's fields.
  /// An empty `type` means that there is no default: the key must be there when `field.required`,
  /// and else an absent or null mapping leaves `value` null.
  template <typename T>
  void variant(std::string_view key, std::unique_ptr<T>& value, std::string& type,
               const Registry<T>& registry, const Field& field);
  /// A list of such mappings. `V` has members `std::string type` and `std::unique_ptr<T> value`.
  template <typename V, typename T>
  void variant_list(std::string_view key, std::vector<V>& values, const Registry<T>& registry,
                    const Field& field);
  /// The two of the section itself: reads `type` here, then that entry's fields here.
  template <typename T>
  void type_and_fields(std::unique_ptr<T>& value, std::string& type, const Registry<T>& registry,
                       const Field& field);

  /// A problem of the section's own, such as two keys that exclude each other. Reported at `key`
  /// (at the section when empty) with all others. Ignored unless parsing.
  void problem(std::string_view key, const std::string& what);
  /// True where the file or an override gives the key a value that is not null. False unless
  /// parsing. The resolved configuration gives every key, so a check that two keys exclude each
  /// other asks this of optionals only, and looks at the values of the others.
  bool has(std::string_view key) const;
  /// True while a file is being parsed: cross-field checks belong under it.
  bool parsing() const;

 private:
  void nested(std::string_view key, const Field& field, const std::function<void(Section&)>& visit);
  void nested_optional(std::string_view key, const Field& field, bool present,
                       const std::function<void(bool present)>& assign,
                       const std::function<void(Section&)>& visit);
  void nested_list(std::string_view key, const Field& field, size_t size,
                   const std::function<void(size_t)>& resize,
                   const std::function<void(size_t, Section&)>& visit);
  /// The `type` key among the registry's names; true where the entry's fields are to be visited.
  bool type_field(std::string& type, const std::vector<RegistryEntry>& entries, const Field& field);
  /// Documentation: visits the fields of every entry in turn.
  bool documenting() const;
  void document_entry(const RegistryEntry& entry, const std::function<void(Section&)>& visit);

  SectionBackend& backend_;
};

template <typename T>
void Section::type_and_fields(std::unique_ptr<T>& value, std::string& type,
                              const Registry<T>& registry, const Field& field) {
  const std::string before = type;
  const bool known = type_field(type, registry.entries(), field);
  if (documenting()) {
    for (const RegistryEntry& entry : registry.entries()) {
      document_entry(entry, [&](Section& inner) { registry.create(entry.name)->fields(inner); });
    }
  } else if (known) {
    if (!value || type != before) value = registry.create(type);
    value->fields(*this);
  }
}

template <typename T>
void Section::variant(std::string_view key, std::unique_ptr<T>& value, std::string& type,
                      const Registry<T>& registry, const Field& field) {
  const auto visit = [&](Section& inner) { inner.type_and_fields(value, type, registry, {}); };
  if (field.required || !type.empty()) return nested(key, field, visit);
  const auto assign = [&](bool present) {
    if (!present) value.reset();
  };
  nested_optional(key, field, false, assign, visit);
}

template <typename V, typename T>
void Section::variant_list(std::string_view key, std::vector<V>& values,
                           const Registry<T>& registry, const Field& field) {
  nested_list(
      key, field, values.size(), [&values](size_t size) { values.resize(size); },
      [&](size_t i, Section& inner) {
        if (i < values.size()) {
          inner.type_and_fields(values[i].value, values[i].type, registry, {});
        } else {
          V spare;
          inner.type_and_fields(spare.value, spare.type, registry, {});
        }
      });
}

}  // namespace distill
