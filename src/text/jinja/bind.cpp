#include "text/jinja/bind.h"

#include <algorithm>

namespace distill::jinja {

Bound::Bound(std::string_view callee, const CallArgs& args,
             std::initializer_list<std::string_view> names, size_t required)
    : callee_(callee), names_(names), values_(names.size(), nullptr) {
  if (args.positional.size() > names_.size()) {
    throw Fault(callee_ + "() takes at most " + std::to_string(names_.size()) + " argument(s), " +
                std::to_string(args.positional.size()) + " given");
  }
  for (size_t i = 0; i < args.positional.size(); ++i) values_[i] = &args.positional[i];
  for (const auto& [name, value] : args.keyword) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      throw Fault(callee_ + "() got an unexpected keyword argument '" + name + "'");
    }
    const Value*& slot = values_[static_cast<size_t>(found - names_.begin())];
    if (slot != nullptr)
      throw Fault(callee_ + "() got multiple values for argument '" + name + "'");
    slot = &value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (!has(i)) throw Fault(callee_ + "() misses the argument '" + std::string(names_[i]) + "'");
  }
}

const Value& Bound::at(size_t i) const {
  static const Value none;
  return has(i) ? *values_[i] : none;
}

const std::string& Bound::text(size_t i) const {
  if (!at(i).is_string()) refuse(i, "a string");
  return at(i).as_string();
}

int64_t Bound::integer(size_t i, int64_t fallback) const {
  if (!has(i)) return fallback;
  if (!at(i).is_int() && !at(i).is_bool()) refuse(i, "an integer");
  return at(i).as_int();
}

void Bound::refuse(size_t i, const char* expected) const {
  if (at(i).is_undefined()) throw Fault(at(i).undefined_message());
  throw Fault(callee_ + "(): " + std::string(names_[i]) + " must be " + expected + ", not " +
              at(i).type_name());
}

}  // namespace distill::jinja
