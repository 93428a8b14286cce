#include "text/jinja/objects.h"

#include <algorithm>

#include "text/jinja/interpreter.h"

namespace distill::jinja {

std::optional<Value> Namespace::attribute(const std::string& name) {
  for (const auto& [key, value] : attributes_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

void Namespace::set(const std::string& name, Value value) {
  if (name.starts_with('_')) {
    throw Fault("a namespace cannot hold '" + name + "': names must not start with an underscore");
  }
  for (auto& [key, old] : attributes_) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  attributes_.emplace_back(name, std::move(value));
}

void Namespace::clear() { attributes_.clear(); }

Value make_function(Function::Body body, int depth) {
  return Value::object(std::make_shared<Function>(std::move(body), depth));
}

std::optional<Value> MacroObject::attribute(const std::string& name) {
  throw Fault("the attribute '" + name + "' of a macro is not supported");
}

Value MacroObject::call(Interpreter& in, const CallArgs& args) {
  const auto& parameters = macro_.parameters;
  if (args.positional.size() > parameters.size()) {
    throw Fault("macro '" + macro_.name + "' takes not more than " +
                std::to_string(parameters.size()) + " argument(s)");
  }
  std::vector<const Value*> given(parameters.size(), nullptr);
  for (size_t i = 0; i < args.positional.size(); ++i) given[i] = &args.positional[i];
  for (const auto& [name, value] : args.keyword) {
    const auto found =
        std::find_if(parameters.begin(), parameters.end(),
                     [&wanted = name](const auto& parameter) { return parameter.name == wanted; });
    const auto at = static_cast<size_t>(found - parameters.begin());
    if (at == parameters.size() || given[at] != nullptr) {
      throw Fault("macro '" + macro_.name + "' takes no keyword argument '" + name + "'");
    }
    given[at] = &value;
  }
  const Interpreter::ScopeGuard guard(in, scope_);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const MacroParameter& parameter = parameters[i];
    Value value = given[i] != nullptr ? *given[i]
                  : parameter.fallback
                      ? in.evaluate(*parameter.fallback)
                      : Value::undefined("parameter '" + parameter.name + "' was not provided");
    in.assign(parameter.symbol, std::move(value));
  }
  return Value::string(in.capture(macro_.body));
}

bool Loop::peek() {
  if (!ahead_.empty()) return true;
  Value item;
  if (!items_ || !items_->next(item)) return false;
  ahead_.push_back(std::move(item));
  return true;
}

bool Loop::advance(Value& item) {
  if (!peek()) return false;
  item = std::move(ahead_.back());
  ahead_.pop_back();
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return true;
}

void Loop::finish() {
  items_ = nullptr;
  ahead_.clear();
  before_ = current_ = Value();
  changed_.reset();
}

int64_t Loop::length() {
  if (length_) return *length_;
  std::vector<Value> rest(ahead_.rbegin(), ahead_.rend());
  Value item;
  while (items_ && items_->next(item)) rest.push_back(std::move(item));
  ahead_.assign(rest.rbegin(), rest.rend());
  length_ = index0_ + 1 + static_cast<int64_t>(ahead_.size());
  return *length_;
}

Value Loop::cycle(const CallArgs& args) const {
  if (args.positional.empty()) throw Fault("no items for cycling given");
  return args.positional[static_cast<size_t>(index0_) % args.positional.size()];
}

Value Loop::changed(const CallArgs& args) {
  const auto& now = args.positional;
  const bool same =
      changed_ && std::equal(now.begin(), now.end(), changed_->begin(), changed_->end(),
                             [](const Value& a, const Value& b) { return equal(a, b); });
  if (!same) changed_ = now;
  return Value::boolean(!same);
}

std::optional<Value> Loop::attribute(const std::string& name) {
  if (name == "index") return Value::integer(index0_ + 1);
  if (name == "index0") return Value::integer(index0_);
  if (name == "first") return Value::boolean(index0_ == 0);
  if (name == "last") return Value::boolean(!peek());
  if (name == "length") return Value::integer(length());
  if (name == "revindex") return Value::integer(length() - index0_);
  if (name == "revindex0") return Value::integer(length() - index0_ - 1);
  if (name == "depth") return Value::integer(1);
  if (name == "depth0") return Value::integer(0);
  if (name == "previtem") {
    return index0_ == 0 ? Value::undefined("there is no previous item") : before_;
  }
  if (name == "nextitem") {
    return peek() ? ahead_.back() : Value::undefined("there is no next item");
  }
  const auto self = shared_from_this();
  if (name == "cycle") {
    return make_function([self](Interpreter&, const CallArgs& args) { return self->cycle(args); },
                         depth_);
  }
  if (name == "changed") {
    return make_function([self](Interpreter&, const CallArgs& args) { return self->changed(args); },
                         depth_);
  }
  return std::nullopt;
}

}  // namespace distill::jinja
