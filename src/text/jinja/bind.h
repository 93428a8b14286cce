// The arguments of a call, bound to parameter names as Python binds them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace distill::jinja {

class Bound {
 public:
  /// `callee` stands for the function in messages. Throws Fault for too many, unknown, repeated and
  /// (of the first `required` parameters) missing arguments.
  Bound(std::string_view callee, const CallArgs& args,
        std::initializer_list<std::string_view> names, size_t required = 0);

  bool has(size_t i) const { return values_[i] != nullptr; }
  /// The argument; None when it is absent.
  const Value& at(size_t i) const;
  /// The argument with a type; `fallback` when it is absent.
  const std::string& text(size_t i) const;
  int64_t integer(size_t i, int64_t fallback) const;
  bool flag(size_t i, bool fallback) const { return has(i) ? at(i).truthy() : fallback; }

 private:
  [[noreturn]] void refuse(size_t i, const char* expected) const;

  std::string callee_;
  std::vector<std::string_view> names_;
  std::vector<const Value*> values_;
};

}  // namespace distill::jinja
