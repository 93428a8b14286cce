// Names for the implementations of an interface, listed explicitly by one function per registry.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace distill {

struct RegistryEntry {
  std::string name;
  std::string summary;  ///< one sentence for `distill list` and the docs
};

/// `T` is an interface, and has `void fields(Section&)` where a section reads it (section.h).
template <typename T>
class Registry {
 public:
  template <typename Implementation>
  Registry& add(std::string name, std::string summary) {
    entries_.push_back({std::move(name), std::move(summary)});
    makers_.push_back([] { return std::make_unique<Implementation>(); });
    return *this;
  }

  /// Those of a registry of a kind of T, which must outlive this one.
  template <typename Kind>
  Registry& add_all(const Registry<Kind>& others) {
    for (const RegistryEntry& entry : others.entries()) {
      entries_.push_back(entry);
      makers_.push_back([&others, name = entry.name] { return others.create(name); });
    }
    return *this;
  }

  const std::vector<RegistryEntry>& entries() const { return entries_; }

  /// A new one with its defaults; null if the name is unknown.
  std::unique_ptr<T> create(std::string_view name) const {
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].name == name) return makers_[i]();
    }
    return nullptr;
  }

 private:
  std::vector<RegistryEntry> entries_;
  std::vector<std::function<std::unique_ptr<T>()>> makers_;
};

}  // namespace distill
