// What statements do.
#include "text/jinja/ast.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/iterate.h"

namespace distill::jinja {
namespace {

class LoopGuard {
 public:
  explicit LoopGuard(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}
  ~LoopGuard() { loop_->finish(); }
  LoopGuard(const LoopGuard&) = delete;
  LoopGuard& operator=(const LoopGuard&) = delete;

 private:
  std::shared_ptr<Loop> loop_;
};

}  // namespace

Flow Data::run(Interpreter& in) const {
  in.write(text);
  return Flow::kNext;
}

Flow Print::run(Interpreter& in) const {
  const std::string text = to_text(in.evaluate(*value));
  in.charge_bytes(text.size());
  in.write(text);
  return Flow::kNext;
}

Flow If::run(Interpreter& in) const {
  for (const auto& [condition, body] : branches) {
    if (in.evaluate(*condition).truthy()) return in.run_body(body);
  }
  return in.run_body(otherwise);
}

std::shared_ptr<Iterator> For::items(Interpreter& in) const {
  const Value container = in.evaluate(*iterable);
  std::shared_ptr<Iterator> all = iterate(container);
  in.charge(container.length().value_or(0));  // `loop.length` may read all of it
  if (!condition) return all;
  // Tested when an item is asked for, not before: the body may change what the condition reads.
  Scope* const outer = in.scope();
  const auto next = [this, all, outer, &in](Value& item) {
    while (all->next(item)) {
      const Interpreter::ScopeGuard guard(in, outer);
      in.assign(target, item);
      if (in.evaluate(*condition).truthy()) return true;
    }
    return false;
  };
  return generator(all->depth(), next).as_iterator();
}

Flow For::run(Interpreter& in) const {
  const auto loop = std::make_shared<Loop>(items(in));
  const Value loop_value = Value::object(loop);
  const LoopGuard finish(loop);
  Value item;
  bool ran = false;
  while (loop->advance(item)) {
    ran = true;
    in.charge(1);
    const Interpreter::ScopeGuard guard(in);
    in.assign(target, item);
    in.assign(loop_symbol, loop_value);
    if (in.run_body(body) == Flow::kBreak) return Flow::kNext;
  }
  if (ran) return Flow::kNext;
  const Interpreter::ScopeGuard guard(in);
  return in.run_body(otherwise);
}

Flow LoopControl::run(Interpreter&) const { return flow; }

Flow Set::run(Interpreter& in) const {
  in.assign(target, in.evaluate(*value));
  return Flow::kNext;
}

Flow SetBlock::run(Interpreter& in) const {
  Value text;
  {
    const Interpreter::ScopeGuard guard(in);
    std::string captured = in.capture(body);
    text =
        filter ? in.filter_text(*filter, std::move(captured)) : Value::string(std::move(captured));
  }
  in.assign(target, text);
  return Flow::kNext;
}

Flow FilterBlock::run(Interpreter& in) const {
  const Interpreter::ScopeGuard guard(in);
  const Value text = in.filter_text(*filter, in.capture(body));
  if (!text.is_string()) throw Fault("the filter of a block gives no text: " + text.type_name());
  in.charge_bytes(text.as_string().size());
  in.write(text.as_string());
  return Flow::kNext;
}

Flow With::run(Interpreter& in) const {
  std::vector<Value> values;
  for (const auto& [target, value] : bindings) values.push_back(in.evaluate(*value));
  const Interpreter::ScopeGuard guard(in);
  for (size_t i = 0; i < values.size(); ++i) in.assign(bindings[i].first, values[i]);
  return in.run_body(body);
}

Flow Generation::run(Interpreter& in) const {
  const Interpreter::ScopeGuard guard(in);
  const std::string text = in.capture(body);
  in.mark_generation(text.size());
  in.write(text);
  return Flow::kNext;
}

Flow Macro::run(Interpreter& in) const {
  in.pin_scopes();
  in.assign(symbol, Value::object(std::make_shared<MacroObject>(*this, in.scope())));
  return Flow::kNext;
}

}  // namespace distill::jinja
