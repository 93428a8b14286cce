#include "text/jinja/expression_parser.h"

#include "text/jinja/node_builder.h"

namespace distill::jinja {
namespace {

ExpressionPtr make_arithmetic(int line, ArithmeticOp op, ExpressionPtr left, ExpressionPtr right) {
  Node node(line);
  auto out = std::make_unique<Arithmetic>();
  out->op = op;
  out->left = node.child(std::move(left));
  out->right = node.child(std::move(right));
  return node.finish(std::move(out));
}

ExpressionPtr make_logic(int line, bool conjunction, ExpressionPtr left, ExpressionPtr right) {
  Node node(line);
  auto out = std::make_unique<Logic>();
  out->conjunction = conjunction;
  out->left = node.child(std::move(left));
  out->right = node.child(std::move(right));
  return node.finish(std::move(out));
}

}  // namespace

ExpressionParser::Nesting::Nesting(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.nesting_ > kMaxNesting) {
    --parser_.nesting_;
    parser_.fail("the template nests too deeply");
  }
}

Token ExpressionParser::take() {
  Token token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool ExpressionParser::skip_operator(std::string_view op) {
  if (!current().is_operator(op)) return false;
  take();
  return true;
}

bool ExpressionParser::skip_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  take();
  return true;
}

void ExpressionParser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) fail_unexpected("'" + std::string(op) + "'");
}

void ExpressionParser::expect_type(Token::Type type, std::string_view what) {
  if (current().type != type) fail_unexpected(what);
  take();
}

std::string ExpressionParser::expect_identifier() {
  if (current().type != Token::Type::kName) fail_unexpected("a name");
  if (current().text[0] >= '0' && current().text[0] <= '9') fail("invalid name");
  return take().text;
}

void ExpressionParser::fail(const std::string& message) const {
  throw SyntaxFault(current().line, message);
}

void ExpressionParser::fail_unexpected(std::string_view expected) const {
  fail("expected " + std::string(expected) + ", found " + current().describe());
}

size_t ExpressionParser::symbol(const std::string& name) {
  const auto [found, added] = symbol_ids_.emplace(name, symbols_.size());
  if (added) symbols_.push_back(name);
  return found->second;
}

void ExpressionParser::refuse_macro_special(std::string_view name) const {
  if (name == "caller" || name == "varargs" || name == "kwargs") {
    fail("'" + std::string(name) + "' in a macro is not supported");
  }
}

ExpressionPtr ExpressionParser::parse_tuple(bool inline_if, bool in_parentheses) {
  const int line = current().line;
  std::vector<ExpressionPtr> items;
  bool tuple = false;
  const auto at_end = [&] {
    return current().type == Token::Type::kVariableEnd ||
           current().type == Token::Type::kBlockEnd || current().is_operator(")");
  };
  while (!at_end()) {
    items.push_back(parse_expression(inline_if));
    if (!skip_operator(",")) break;
    tuple = true;
  }
  if (!tuple && items.size() == 1) return std::move(items[0]);
  if (!tuple && !in_parentheses) fail_unexpected("an expression");
  return make_sequence(line, Sequence::Kind::kTuple, std::move(items));
}

ExpressionPtr ExpressionParser::parse_expression(bool inline_if) {
  const Nesting nesting(*this);
  return inline_if ? parse_conditional() : parse_or();
}

ExpressionPtr ExpressionParser::parse_conditional() {
  int line = current().line;
  ExpressionPtr value = parse_or();
  while (skip_name("if")) {
    Node node(line);
    auto out = std::make_unique<Conditional>();
    out->then = node.child(std::move(value));
    out->condition = node.child(parse_or());
    if (skip_name("else")) out->otherwise = node.child(parse_expression());
    value = node.finish(std::move(out));
    line = current().line;
  }
  return value;
}

ExpressionPtr ExpressionParser::parse_or() {
  const int line = current().line;
  ExpressionPtr left = parse_and();
  while (skip_name("or")) left = make_logic(line, false, std::move(left), parse_and());
  return left;
}

ExpressionPtr ExpressionParser::parse_and() {
  const int line = current().line;
  ExpressionPtr left = parse_not();
  while (skip_name("and")) left = make_logic(line, true, std::move(left), parse_not());
  return left;
}

ExpressionPtr ExpressionParser::parse_not() {
  if (!current().is_name("not")) return parse_comparison();
  const Nesting nesting(*this);
  const int line = take().line;
  return make_not(line, parse_not());
}

std::optional<CompareOp> ExpressionParser::take_compare_operator() {
  if (current().type == Token::Type::kOperator) {
    const auto op = compare_op(current().text);
    if (op) take();
    return op;
  }
  if (skip_name("in")) return CompareOp::kIn;
  if (!current().is_name("not") || !ahead().is_name("in")) return std::nullopt;
  take();
  take();
  return CompareOp::kNotIn;
}

ExpressionPtr ExpressionParser::parse_comparison() {
  Node node(current().line);
  ExpressionPtr first = parse_sum();
  auto out = std::make_unique<Comparison>();
  while (const auto op = take_compare_operator()) {
    out->rest.emplace_back(*op, node.child(parse_sum()));
  }
  if (out->rest.empty()) return first;
  out->first = node.child(std::move(first));
  return node.finish(std::move(out));
}

ExpressionPtr ExpressionParser::parse_sum() {
  const int line = current().line;
  ExpressionPtr left = parse_concat();
  while (current().is_operator("+") || current().is_operator("-")) {
    const ArithmeticOp op = take().text == "+" ? ArithmeticOp::kAdd : ArithmeticOp::kSubtract;
    left = make_arithmetic(line, op, std::move(left), parse_concat());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_concat() {
  Node node(current().line);
  ExpressionPtr first = parse_product();
  if (!current().is_operator("~")) return first;
  auto out = std::make_unique<Concat>();
  out->parts.push_back(node.child(std::move(first)));
  while (skip_operator("~")) out->parts.push_back(node.child(parse_product()));
  return node.finish(std::move(out));
}

ExpressionPtr ExpressionParser::parse_product() {
  const int line = current().line;
  ExpressionPtr left = parse_power();
  while (current().type == Token::Type::kOperator) {
    const std::string& text = current().text;
    ArithmeticOp op = ArithmeticOp::kMultiply;
    if (text == "/") {
      op = ArithmeticOp::kDivide;
    } else if (text == "//") {
      op = ArithmeticOp::kFloorDivide;
    } else if (text == "%") {
      op = ArithmeticOp::kModulo;
    } else if (text != "*") {
      break;
    }
    take();
    left = make_arithmetic(line, op, std::move(left), parse_power());
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_power() {
  const int line = current().line;
  ExpressionPtr left = parse_unary(true);
  while (skip_operator("**")) {
    left = make_arithmetic(line, ArithmeticOp::kPower, std::move(left), parse_unary(true));
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filters) {
  ExpressionPtr value;
  if (current().is_operator("-") || current().is_operator("+")) {
    const Nesting nesting(*this);
    const Token sign = take();
    Node node(sign.line);
    auto out = std::make_unique<Sign>();
    out->negative = sign.text == "-";
    out->operand = node.child(parse_unary(false));
    value = node.finish(std::move(out));
  } else {
    value = parse_primary();
  }
  value = parse_postfix(std::move(value));
  return with_filters ? parse_filters_and_tests(std::move(value)) : std::move(value);
}

}  // namespace distill::jinja
