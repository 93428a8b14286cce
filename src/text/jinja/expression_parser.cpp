#include "text/jinja/expression_parser.h"

#include <algorithm>

namespace distill::jinja {
namespace {

constexpr int kMaxNesting = 200;

/// A node whose members are set by `fill`, with its height taken from the children `fill` reports.
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

ExpressionPtr make_not(int line, ExpressionPtr operand) {
  Node node(line);
  auto out = std::make_unique<Not>();
  out->operand = node.child(std::move(operand));
  return node.finish(std::move(out));
}

ExpressionPtr make_literal(int line, Value value) {
  auto out = std::make_unique<Literal>();
  out->value = std::move(value);
  return Node(line).finish(std::move(out));
}

ExpressionPtr make_sequence(int line, Sequence::Kind kind, std::vector<ExpressionPtr> items) {
  Node node(line);
  auto out = std::make_unique<SequenceLiteral>();
  out->kind = kind;
  for (auto& item : items) out->items.push_back(node.child(std::move(item)));
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

ExpressionPtr ExpressionParser::parse_primary() {
  const Token& token = current();
  const int line = token.line;
  switch (token.type) {
    case Token::Type::kName:
      return parse_name();
    case Token::Type::kString: {
      std::string text;
      while (current().type == Token::Type::kString) text += take().text;
      return make_literal(line, Value::string(std::move(text)));
    }
    case Token::Type::kInteger:
      return make_literal(line, Value::integer(take().integer));
    case Token::Type::kFloat:
      return make_literal(line, Value::real(take().real));
    default:
      break;
  }
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  if (!skip_operator("(")) fail_unexpected("an expression");
  ExpressionPtr value = parse_tuple(true, true);
  expect_operator(")");
  return value;
}

ExpressionPtr ExpressionParser::parse_name() {
  const int line = current().line;
  const std::string name = expect_identifier();
  if (name == "true" || name == "True") return make_literal(line, Value::boolean(true));
  if (name == "false" || name == "False") return make_literal(line, Value::boolean(false));
  if (name == "none" || name == "None") return make_literal(line, Value());
  if (macros > 0) refuse_macro_special(name);
  auto out = std::make_unique<Name>();
  out->symbol = symbol(name);
  return Node(line).finish(std::move(out));
}

ExpressionPtr ExpressionParser::parse_list() {
  const int line = take().line;
  std::vector<ExpressionPtr> items;
  while (!current().is_operator("]")) {
    items.push_back(parse_expression());
    if (!skip_operator(",")) break;
  }
  expect_operator("]");
  return make_sequence(line, Sequence::Kind::kList, std::move(items));
}

ExpressionPtr ExpressionParser::parse_dict() {
  Node node(take().line);
  auto out = std::make_unique<DictLiteral>();
  while (!current().is_operator("}")) {
    ExpressionPtr key = node.child(parse_expression());
    expect_operator(":");
    out->entries.emplace_back(std::move(key), node.child(parse_expression()));
    if (!skip_operator(",")) break;
  }
  expect_operator("}");
  return node.finish(std::move(out));
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr value) {
  while (true) {
    if (current().is_operator(".")) {
      value = parse_attribute(std::move(value));
    } else if (current().is_operator("[")) {
      value = parse_subscript(std::move(value));
    } else if (current().is_operator("(")) {
      value = parse_call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::parse_filters_and_tests(ExpressionPtr value) {
  while (true) {
    if (skip_operator("|")) {
      value = parse_filter(std::move(value));
    } else if (current().is_name("is")) {
      value = parse_test(std::move(value));
    } else if (current().is_operator("(")) {
      value = parse_call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::parse_attribute(ExpressionPtr object) {
  Node node(take().line);
  if (current().type == Token::Type::kInteger) {
    auto out = std::make_unique<Item>();
    out->object = node.child(std::move(object));
    out->key = make_literal(current().line, Value::integer(take().integer));
    return node.finish(std::move(out));
  }
  auto out = std::make_unique<Attribute>();
  out->object = node.child(std::move(object));
  out->name = expect_identifier();
  return node.finish(std::move(out));
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr object) {
  Node node(take().line);
  ExpressionPtr first;
  if (!current().is_operator(":")) first = parse_expression();
  if (first && skip_operator("]")) {
    auto out = std::make_unique<Item>();
    out->object = node.child(std::move(object));
    out->key = node.child(std::move(first));
    return node.finish(std::move(out));
  }
  if (current().is_operator(",")) fail("several subscripts are not supported");
  auto out = std::make_unique<Slice>();
  out->object = node.child(std::move(object));
  out->start = node.child(std::move(first));
  expect_operator(":");
  if (!current().is_operator(":") && !current().is_operator("]")) {
    out->stop = node.child(parse_expression());
  }
  if (skip_operator(":") && !current().is_operator("]")) out->step = node.child(parse_expression());
  expect_operator("]");
  return node.finish(std::move(out));
}

Arguments ExpressionParser::parse_arguments() {
  expect_operator("(");
  Arguments arguments;
  while (!current().is_operator(")")) {
    if (current().is_operator("*") || current().is_operator("**")) {
      fail("argument unpacking ('" + current().text + "') is not supported");
    }
    if (current().type == Token::Type::kName && ahead().is_operator("=")) {
      std::string name = expect_identifier();
      take();
      arguments.keyword.emplace_back(std::move(name), parse_expression());
    } else if (arguments.keyword.empty()) {
      arguments.positional.push_back(parse_expression());
    } else {
      fail("a positional argument follows a keyword argument");
    }
    if (!skip_operator(",")) break;
  }
  expect_operator(")");
  return arguments;
}

ExpressionPtr ExpressionParser::parse_call(ExpressionPtr callee) {
  Node node(current().line);
  auto out = std::make_unique<Call>();
  out->callee = node.child(std::move(callee));
  out->arguments = node.children(parse_arguments());
  return node.finish(std::move(out));
}

std::string ExpressionParser::parse_dotted_name() {
  std::string name = expect_identifier();
  while (skip_operator(".")) name += "." + expect_identifier();
  return name;
}

ExpressionPtr ExpressionParser::parse_filter(ExpressionPtr input) {
  while (true) {
    Node node(current().line);
    auto out = std::make_unique<FilterCall>();
    const std::string name = parse_dotted_name();
    out->filter = find_filter(name);
    if (out->filter == nullptr) {
      throw SyntaxFault(current().line, "the filter '" + name + "' is not supported");
    }
    out->input = node.child(std::move(input));
    if (current().is_operator("(")) out->arguments = node.children(parse_arguments());
    input = node.finish(std::move(out));
    if (!skip_operator("|")) return input;
  }
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr input) {
  const int line = take().line;
  const bool negated = skip_name("not");
  Node node(line);
  auto out = std::make_unique<TestCall>();
  const std::string name = parse_dotted_name();
  out->test = find_test(name);
  if (out->test == nullptr) throw SyntaxFault(line, "the test '" + name + "' is not supported");
  out->input = node.child(std::move(input));
  const Token& token = current();
  const bool argument_follows =
      token.type == Token::Type::kName || token.type == Token::Type::kString ||
      token.type == Token::Type::kInteger || token.type == Token::Type::kFloat ||
      token.is_operator("[") || token.is_operator("{");
  if (token.is_operator("(")) {
    out->arguments = node.children(parse_arguments());
  } else if (argument_follows && !token.is_name("else") && !token.is_name("or") &&
             !token.is_name("and")) {
    if (token.is_name("is")) fail("tests cannot be chained with 'is'");
    out->arguments.positional.push_back(node.child(parse_postfix(parse_primary())));
  }
  ExpressionPtr test = node.finish(std::move(out));
  return negated ? make_not(line, std::move(test)) : std::move(test);
}

}  // namespace distill::jinja
