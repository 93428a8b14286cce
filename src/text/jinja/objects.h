// Values that are neither data nor iterators.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace distill::jinja {

struct Macro;
struct Scope;

/// The only value that changes: `{% set ns.name = value %}`.
class Namespace : public Object {
 public:
  std::string type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(const std::string& name) override;
  void set(const std::string& name, Value value);
  /// Breaks the cycles that a namespace may be part of.
  void clear();

 private:
  std::vector<std::pair<std::string, Value>> attributes_;
};

/// A function, or a method bound to its receiver.
class Function : public Object {
 public:
  using Body = std::function<Value(Interpreter&, const CallArgs&)>;
  /// `depth`: that of the values that the body holds.
  Function(Body body, int depth) : body_(std::move(body)), depth_(depth + 1) {}

  std::string type_name() const override { return "builtin_function_or_method"; }
  bool callable() const override { return true; }
  Value call(Interpreter& in, const CallArgs& args) override { return body_(in, args); }
  int depth() const override { return depth_; }

 private:
  Body body_;
  int depth_;
};

Value make_function(Function::Body body, int depth = 0);

class MacroObject : public Object {
 public:
  MacroObject(const Macro& macro, Scope* scope) : macro_(macro), scope_(scope) {}

  std::string type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  std::optional<Value> attribute(const std::string& name) override;
  Value call(Interpreter& in, const CallArgs& args) override;

 private:
  const Macro& macro_;
  Scope* scope_;  // where it was defined; the interpreter keeps it
};

/// `loop`. Items are read ahead only when the template asks about what follows.
class Loop : public Object, public std::enable_shared_from_this<Loop> {
 public:
  explicit Loop(std::shared_ptr<Iterator> items)
      : items_(std::move(items)), depth_(items_->depth() + 1) {}

  /// Moves to the next item; false at the end.
  bool advance(Value& item);
  /// Lets go of all values, some of which may hold the loop.
  void finish();

  std::string type_name() const override { return "LoopContext"; }
  std::optional<Value> attribute(const std::string& name) override;
  int depth() const override { return depth_; }

 private:
  int64_t length();
  bool peek();
  Value cycle(const CallArgs& args) const;
  Value changed(const CallArgs& args);

  std::shared_ptr<Iterator> items_;
  std::optional<int64_t> length_;
  int depth_;
  int64_t index0_ = -1;
  std::vector<Value> ahead_;  // read, but not yet handed out; the first comes last
  Value before_, current_;
  std::optional<std::vector<Value>> changed_;
};

}  // namespace distill::jinja
