#include "text/jinja/interpreter.h"

#include <algorithm>

#include "text/jinja/functions.h"
#include "text/jinja/iterate.h"

namespace distill::jinja {
namespace {

#ifdef DISTILL_TEMPLATE_WORK  // less, where sanitizers make it slow
constexpr size_t kMaxWork = DISTILL_TEMPLATE_WORK;
#else
constexpr size_t kMaxWork = 50'000'000;
#endif
constexpr int kMaxDepth = 1000;

class DepthGuard {
 public:
  explicit DepthGuard(int& depth) : depth_(depth) {
    if (depth_ >= kMaxDepth) throw Fault("the template recurses too deeply");
    ++depth_;
  }
  ~DepthGuard() { --depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  int& depth_;
};

}  // namespace

Value* Scope::find(size_t symbol) {
  for (auto& [name, value] : values) {
    if (name == symbol) return &value;
  }
  return nullptr;
}

void Scope::set(size_t symbol, Value value) {
  if (Value* old = find(symbol)) {
    *old = std::move(value);
  } else {
    values.emplace_back(symbol, std::move(value));
  }
}

Interpreter::ScopeGuard::ScopeGuard(Interpreter& in, Scope* parent)
    : in_(in), previous_(in.scope_), scope_(std::make_unique<Scope>()) {
  scope_->parent = parent;
  scope_->depth = parent->depth + 1;
  if (scope_->depth > kMaxDepth) throw Fault("scopes nest too deeply");
  in_.scope_ = scope_.get();
}

Interpreter::ScopeGuard::~ScopeGuard() {
  in_.scope_ = previous_;
  if (scope_->pinned) in_.pinned_.push_back(std::move(scope_));
}

Interpreter::Interpreter(const TemplateTree& tree, const Dict& context) : tree_(tree) {
  for (const std::string& name : tree.symbols) {
    const Value* given = context.find(name);
    context_.push_back(given != nullptr ? std::optional<Value>(*given) : find_global(name));
  }
  outputs_.emplace_back();
}

Interpreter::~Interpreter() {
  for (const auto& space : namespaces_) space->clear();
  for (const auto& scope : pinned_) scope->values.clear();
}

std::string Interpreter::run() {
  run_body(tree_.body);
  return outputs_.back().take();
}

Value Interpreter::evaluate(const Expression& expression) {
  const DepthGuard guard(depth_);
  charge(1);
  const int line = std::exchange(line_, expression.line);
  Value value = expression.eval(*this);
  line_ = line;
  return value;
}

Value Interpreter::evaluate_or_none(const ExpressionPtr& expression) {
  return expression ? evaluate(*expression) : Value();
}

Flow Interpreter::run_body(const Body& body) {
  for (const auto& statement : body) {
    const DepthGuard guard(depth_);
    charge(1);
    line_ = statement->line;
    const Flow flow = statement->run(*this);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

std::string Interpreter::capture(const Body& body) {
  outputs_.emplace_back();
  run_body(body);
  std::string text = outputs_.back().take();
  outputs_.pop_back();
  return text;
}

Value Interpreter::lookup(size_t symbol) const {
  for (Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    if (const Value* value = scope->find(symbol)) return *value;
  }
  if (context_[symbol]) return *context_[symbol];
  const std::string& name = tree_.symbols[symbol];
  if (is_unsupported_global(name)) throw Fault("'" + name + "' is not supported");
  return Value::undefined("'" + name + "' is undefined");
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (target.kind == Target::Kind::kName) return assign(target.symbol, value);
  if (target.kind == Target::Kind::kAttribute) {
    const Value object = lookup(target.symbol);
    const auto space =
        object.is_object() ? std::dynamic_pointer_cast<Namespace>(object.as_object()) : nullptr;
    if (!space) throw Fault("cannot assign attribute on non-namespace object");
    return space->set(target.attribute, value);
  }
  const std::vector<Value> items = collect(*this, value);
  if (items.size() != target.parts.size()) {
    throw Fault("expected " + std::to_string(target.parts.size()) + " values to unpack, found " +
                std::to_string(items.size()));
  }
  for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
}

Value Interpreter::filter_text(const Expression& filter, std::string text) {
  const Value outer = std::exchange(captured_, Value::string(std::move(text)));
  Value value = evaluate(filter);
  captured_ = outer;
  return value;
}

void Interpreter::mark_generation(size_t length) {
  const size_t begin = outputs_.front().size();
  spans_.emplace_back(begin, begin + length);
}

void Interpreter::charge(size_t work) {
  work_ += std::min(work, kMaxWork);
  if (work_ > kMaxWork) throw Fault("the template does too much work");
}

std::shared_ptr<Namespace> Interpreter::make_namespace() {
  namespaces_.push_back(std::make_shared<Namespace>());
  return namespaces_.back();
}

void Interpreter::pin_scopes() {
  for (Scope* scope = scope_; scope != nullptr; scope = scope->parent) scope->pinned = true;
}

}  // namespace distill::jinja
