// The syntax tree. Every node evaluates or runs itself against an interpreter.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/tests.h"
#include "text/jinja/value.h"

namespace distill::jinja {

struct Expression {
  int line = 0;
  int height = 1;  // of the tree below, bounded by the parser

  virtual ~Expression() = default;
  virtual Value eval(Interpreter& in) const = 0;
};
using ExpressionPtr = std::unique_ptr<const Expression>;

struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keyword;

  CallArgs eval(Interpreter& in) const;
};

struct Literal : Expression {
  Value value;
  Value eval(Interpreter& in) const override;
};

struct Name : Expression {
  size_t symbol = 0;
  Value eval(Interpreter& in) const override;
};

/// The text of the block that a `filter` or `set` block filter works on.
struct CapturedText : Expression {
  Value eval(Interpreter& in) const override;
};

struct SequenceLiteral : Expression {
  Sequence::Kind kind = Sequence::Kind::kList;
  std::vector<ExpressionPtr> items;
  Value eval(Interpreter& in) const override;
};

struct DictLiteral : Expression {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
  Value eval(Interpreter& in) const override;
};

struct Attribute : Expression {
  ExpressionPtr object;
  std::string name;
  Value eval(Interpreter& in) const override;
};

struct Item : Expression {
  ExpressionPtr object, key;
  Value eval(Interpreter& in) const override;
};

struct Slice : Expression {
  ExpressionPtr object;
  ExpressionPtr start, stop, step;  // null where left out
  Value eval(Interpreter& in) const override;
};

struct Call : Expression {
  ExpressionPtr callee;
  Arguments arguments;
  Value eval(Interpreter& in) const override;
};

struct FilterCall : Expression {
  ExpressionPtr input;
  FilterFunction filter = nullptr;
  Arguments arguments;
  Value eval(Interpreter& in) const override;
};

struct TestCall : Expression {
  ExpressionPtr input;
  TestFunction test = nullptr;
  Arguments arguments;
  Value eval(Interpreter& in) const override;
};

struct Sign : Expression {
  bool negative = false;
  ExpressionPtr operand;
  Value eval(Interpreter& in) const override;
};

struct Not : Expression {
  ExpressionPtr operand;
  Value eval(Interpreter& in) const override;
};

struct Arithmetic : Expression {
  ArithmeticOp op = ArithmeticOp::kAdd;
  ExpressionPtr left, right;
  Value eval(Interpreter& in) const override;
};

/// a ~ b ~ c
struct Concat : Expression {
  std::vector<ExpressionPtr> parts;
  Value eval(Interpreter& in) const override;
};

/// a < b <= c: each operand is evaluated once, and none after the first false.
struct Comparison : Expression {
  ExpressionPtr first;
  std::vector<std::pair<CompareOp, ExpressionPtr>> rest;
  Value eval(Interpreter& in) const override;
};

/// `and`, `or`: the value of the operand that decides.
struct Logic : Expression {
  bool conjunction = false;
  ExpressionPtr left, right;
  Value eval(Interpreter& in) const override;
};

struct Conditional : Expression {
  ExpressionPtr condition, then, otherwise;  // `otherwise` may be null
  Value eval(Interpreter& in) const override;
};

/// Whether a statement was left by `break` or `continue`.
enum class Flow { kNext, kBreak, kContinue };

struct Statement {
  int line = 0;

  virtual ~Statement() = default;
  virtual Flow run(Interpreter& in) const = 0;
};
using Body = std::vector<std::unique_ptr<const Statement>>;

/// What is assigned to: a name, an attribute of a namespace, or several targets.
struct Target {
  enum class Kind { kName, kAttribute, kTuple };
  Kind kind = Kind::kName;
  size_t symbol = 0;
  std::string attribute;
  std::vector<Target> parts;
};

struct Data : Statement {
  std::string text;
  Flow run(Interpreter& in) const override;
};

struct Print : Statement {
  ExpressionPtr value;
  Flow run(Interpreter& in) const override;
};

struct If : Statement {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
  Flow run(Interpreter& in) const override;
};

struct For : Statement {
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr condition;  // may be null
  Body body, otherwise;
  size_t loop_symbol = 0;
  Flow run(Interpreter& in) const override;

 private:
  std::shared_ptr<Iterator> items(Interpreter& in) const;
};

struct LoopControl : Statement {
  Flow flow = Flow::kBreak;
  Flow run(Interpreter& in) const override;
};

struct Set : Statement {
  Target target;
  ExpressionPtr value;
  Flow run(Interpreter& in) const override;
};

struct SetBlock : Statement {
  Target target;
  ExpressionPtr filter;  // over CapturedText; may be null
  Body body;
  Flow run(Interpreter& in) const override;
};

struct FilterBlock : Statement {
  ExpressionPtr filter;
  Body body;
  Flow run(Interpreter& in) const override;
};

struct With : Statement {
  std::vector<std::pair<Target, ExpressionPtr>> bindings;
  Body body;
  Flow run(Interpreter& in) const override;
};

struct Generation : Statement {
  Body body;
  Flow run(Interpreter& in) const override;
};

struct MacroParameter {
  std::string name;
  size_t symbol = 0;
  ExpressionPtr fallback;  // may be null
};

struct Macro : Statement {
  std::string name;
  size_t symbol = 0;
  std::vector<MacroParameter> parameters;
  Body body;
  Flow run(Interpreter& in) const override;
};

struct TemplateTree {
  Body body;
  std::vector<std::string> symbols;  // the names that the template uses
  bool has_generation = false;
};

}  // namespace distill::jinja
