// What expressions mean.
#include "text/jinja/ast.h"
#include "text/jinja/interpreter.h"

namespace distill::jinja {

CallArgs Arguments::eval(Interpreter& in) const {
  CallArgs args;
  args.positional.reserve(positional.size());
  for (const auto& value : positional) args.positional.push_back(in.evaluate(*value));
  for (const auto& [name, value] : keyword) args.keyword.emplace_back(name, in.evaluate(*value));
  return args;
}

Value Literal::eval(Interpreter&) const { return value; }

Value Name::eval(Interpreter& in) const { return in.lookup(symbol); }

Value CapturedText::eval(Interpreter& in) const { return in.captured_text(); }

Value SequenceLiteral::eval(Interpreter& in) const {
  std::vector<Value> values;
  values.reserve(items.size());
  for (const auto& item : items) values.push_back(in.evaluate(*item));
  return Value::sequence(kind, std::move(values));
}

Value DictLiteral::eval(Interpreter& in) const {
  Dict dict;
  for (const auto& [key, value] : entries) {
    Value name = in.evaluate(*key);
    in.charge(name.weight());
    dict.set(std::move(name), in.evaluate(*value));
  }
  return Value::dict(std::move(dict));
}

Value Attribute::eval(Interpreter& in) const { return get_attribute(in.evaluate(*object), name); }

Value Item::eval(Interpreter& in) const {
  const Value container = in.evaluate(*object);
  return get_item(in, container, in.evaluate(*key));
}

Value Slice::eval(Interpreter& in) const {
  const Value container = in.evaluate(*object);
  const Value from = in.evaluate_or_none(start);
  const Value to = in.evaluate_or_none(stop);
  return get_slice(in, container, from, to, in.evaluate_or_none(step));
}

Value Call::eval(Interpreter& in) const {
  const Value function = in.evaluate(*callee);
  const CallArgs args = arguments.eval(in);
  if (function.is_undefined()) throw Fault(function.undefined_message());
  if (!function.is_object()) {
    throw Fault("'" + function.type_name() + "' object is not callable");
  }
  return function.as_object()->call(in, args);
}

Value FilterCall::eval(Interpreter& in) const {
  const Value value = in.evaluate(*input);
  return filter(in, value, arguments.eval(in));
}

Value TestCall::eval(Interpreter& in) const {
  const Value value = in.evaluate(*input);
  return Value::boolean(test(in, value, arguments.eval(in)));
}

Value Sign::eval(Interpreter& in) const { return sign(in.evaluate(*operand), negative); }

Value Not::eval(Interpreter& in) const { return Value::boolean(!in.evaluate(*operand).truthy()); }

Value Arithmetic::eval(Interpreter& in) const {
  const Value a = in.evaluate(*left);
  return arithmetic(in, op, a, in.evaluate(*right));
}

Value Concat::eval(Interpreter& in) const {
  BoundedText out;
  for (const auto& part : parts) out.append(to_text(in.evaluate(*part)));
  in.charge_bytes(out.size());
  return Value::string(out.take());
}

Value Comparison::eval(Interpreter& in) const {
  Value left = in.evaluate(*first);
  for (const auto& [op, operand] : rest) {
    Value right = in.evaluate(*operand);
    if (!compare(in, op, left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Logic::eval(Interpreter& in) const {
  Value value = in.evaluate(*left);
  return value.truthy() == conjunction ? in.evaluate(*right) : value;
}

Value Conditional::eval(Interpreter& in) const {
  if (in.evaluate(*condition).truthy()) return in.evaluate(*then);
  if (otherwise) return in.evaluate(*otherwise);
  return Value::undefined("the inline if-expression on line " + std::to_string(line) +
                          " evaluated to false and no else section was defined.");
}

}  // namespace distill::jinja
