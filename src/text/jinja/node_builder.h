// Building syntax nodes whose trees do not grow too high.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace distill::jinja {

/// Levels of the syntax tree, and of blocks and brackets in the source.
constexpr int kMaxNesting = 200;

/// A node under construction: every child goes through it, so that it knows the height of the tree.
class Node {
 public:
  explicit Node(int line) : line_(line) {}

  ExpressionPtr child(ExpressionPtr expression) {
    if (expression) height_ = std::max(height_, expression->height + 1);
    return expression;
  }

  Arguments children(Arguments arguments) {
    for (const auto& value : arguments.positional) height_ = std::max(height_, value->height + 1);
    for (const auto& [name, value] : arguments.keyword) {
      height_ = std::max(height_, value->height + 1);
    }
    return arguments;
  }

  template <typename T>
  ExpressionPtr finish(std::unique_ptr<T> node) const {
    if (height_ > kMaxNesting) throw SyntaxFault(line_, "an expression nests too deeply");
    node->line = line_;
    node->height = height_;
    return node;
  }

 private:
  int line_;
  int height_ = 1;
};

inline ExpressionPtr make_not(int line, ExpressionPtr operand) {
  Node node(line);
  auto out = std::make_unique<Not>();
  out->operand = node.child(std::move(operand));
  return node.finish(std::move(out));
}

inline ExpressionPtr make_literal(int line, Value value) {
  auto out = std::make_unique<Literal>();
  out->value = std::move(value);
  return Node(line).finish(std::move(out));
}

inline ExpressionPtr make_sequence(int line, Sequence::Kind kind,
                                   std::vector<ExpressionPtr> items) {
  Node node(line);
  auto out = std::make_unique<SequenceLiteral>();
  out->kind = kind;
  for (auto& item : items) out->items.push_back(node.child(std::move(item)));
  return node.finish(std::move(out));
}

}  // namespace distill::jinja
