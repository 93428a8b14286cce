// Expressions below the operators: literals, names, and what follows them (attributes, subscripts,
// calls, filters, tests).
#include "text/jinja/expression_parser.h"
#include "text/jinja/node_builder.h"

namespace distill::jinja {

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
