// The state of one rendering: variables, output, and the limits that keep any template from hanging
// or filling the memory.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/objects.h"
#include "text/jinja/print.h"
#include "text/jinja/value.h"

namespace distill::jinja {

/// Variables of a block. Scopes die with their block, unless a macro was defined in it.
struct Scope {
  Scope* parent = nullptr;
  bool pinned = false;
  int depth = 0;
  std::vector<std::pair<size_t, Value>> values;  // by symbol

  Value* find(size_t symbol);
  void set(size_t symbol, Value value);
};

class Interpreter {
 public:
  /// `context`: the variables that the caller gives, before the global functions.
  Interpreter(const TemplateTree& tree, const Dict& context);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// The whole output. Throws Fault; `line` then says where.
  std::string run();
  int line() const { return line_; }
  std::vector<std::pair<size_t, size_t>> take_generation_spans() { return std::move(spans_); }

  Value evaluate(const Expression& expression);
  /// Like evaluate; None for a null expression.
  Value evaluate_or_none(const ExpressionPtr& expression);
  Flow run_body(const Body& body);
  /// The text that a body prints, run in the current scope.
  std::string capture(const Body& body);

  Value lookup(size_t symbol) const;
  void assign(size_t symbol, Value value) { scope_->set(symbol, std::move(value)); }
  void assign(const Target& target, const Value& value);
  /// The result of a filter over the text of a block.
  Value filter_text(const Expression& filter, std::string text);
  const Value& captured_text() const { return captured_; }

  void write(std::string_view text) { outputs_.back().append(text); }
  /// Notes that the next `length` bytes of the output come from a generation block.
  void mark_generation(size_t length);

  /// Counts work; throws Fault once a template has done too much of it.
  void charge(size_t work);
  /// Work on a text of that many bytes.
  void charge_bytes(size_t bytes) { charge(1 + bytes / 8); }

  std::shared_ptr<Namespace> make_namespace();
  Scope* scope() { return scope_; }
  /// Keeps the current scope and those around it until the end.
  void pin_scopes();

  /// Opens a scope while it lives: inside the current one, or inside `parent`.
  class ScopeGuard {
   public:
    explicit ScopeGuard(Interpreter& in) : ScopeGuard(in, in.scope_) {}
    ScopeGuard(Interpreter& in, Scope* parent);
    ~ScopeGuard();
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;

   private:
    Interpreter& in_;
    Scope* previous_;
    std::unique_ptr<Scope> scope_;
  };

 private:
  const TemplateTree& tree_;
  std::vector<std::optional<Value>> context_;  // by symbol
  Scope root_;
  Scope* scope_ = &root_;
  std::vector<std::unique_ptr<Scope>> pinned_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  std::vector<BoundedText> outputs_;
  std::vector<std::pair<size_t, size_t>> spans_;
  Value captured_;
  size_t work_ = 0;
  int depth_ = 0;
  int line_ = 1;
};

}  // namespace distill::jinja
