#include "text/jinja/parser.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "text/jinja/expression_parser.h"

namespace distill::jinja {
namespace {

using Names = std::initializer_list<std::string_view>;

constexpr auto kUnsupportedTags = std::to_array<std::string_view>(
    {"autoescape", "block", "call", "extends", "from", "import", "include", "print"});
constexpr auto kReserved =
    std::to_array<std::string_view>({"true", "false", "none", "True", "False", "None"});

template <typename List>
bool is_one_of(std::string_view name, const List& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Parser {
 public:
  explicit Parser(std::string_view source) : in_(tokenize(source)) {}

  TemplateTree run() {
    TemplateTree tree;
    tree.body = parse_body({});
    tree.symbols = in_.take_symbols();
    tree.has_generation = has_generation_;
    return tree;
  }

 private:
  using Type = Token::Type;
  using StatementPtr = std::unique_ptr<const Statement>;

  /// Statements up to a tag named in `ends`, whose name is left as the current token; up to the end
  /// of the template when `ends` is empty.
  Body parse_body(Names ends) {
    const ExpressionParser::Nesting nesting(in_);
    Body body;
    while (in_.current().type != Type::kEnd) {
      const Token token = in_.take();
      if (token.type == Type::kData) {
        auto data = make<Data>(token.line);
        data->text = token.text;
        body.push_back(std::move(data));
      } else if (token.type == Type::kVariableBegin) {
        auto print = make<Print>(token.line);
        print->value = in_.parse_tuple(true);
        in_.expect_type(Type::kVariableEnd, "the end of the print statement");
        body.push_back(std::move(print));
      } else {
        if (in_.current().type == Type::kName && is_one_of(in_.current().text, ends)) return body;
        body.push_back(parse_statement());
        in_.expect_type(Type::kBlockEnd, "the end of the statement");
      }
    }
    if (ends.size() > 0) in_.fail_unexpected("'" + std::string(*(ends.end() - 1)) + "'");
    return body;
  }

  /// The rest of the opening tag, then the body; the name of the end tag is left as current token.
  Body parse_block(Names ends) {
    in_.skip_operator(":");
    in_.expect_type(Type::kBlockEnd, "the end of the statement");
    return parse_body(ends);
  }

  Body parse_closed_block(std::string_view end) {
    Body body = parse_block({end});
    in_.take();
    return body;
  }

  /// A block whose text goes elsewhere first: loops around it cannot be left from inside, and the
  /// place of a generation block in it would be unknown.
  Body parse_captured_block(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    ++captures_;
    Body body = parse_closed_block(end);
    --captures_;
    loops_ = loops;
    return body;
  }

  template <typename T>
  static std::unique_ptr<T> make(int line) {
    auto statement = std::make_unique<T>();
    statement->line = line;
    return statement;
  }

  StatementPtr parse_statement() {
    const int line = in_.current().line;
    if (in_.current().type != Type::kName) in_.fail_unexpected("the name of a tag");
    const std::string tag = in_.current().text;
    if (is_one_of(tag, kUnsupportedTags)) in_.fail("the tag '" + tag + "' is not supported");
    if (tag == "for") return parse_for(line);
    if (tag == "if") return parse_if(line);
    if (tag == "set") return parse_set(line);
    if (tag == "macro") return parse_macro(line);
    if (tag == "with") return parse_with(line);
    if (tag == "filter") return parse_filter_block(line);
    if (tag == "generation") return parse_generation(line);
    if (tag == "break" || tag == "continue") return parse_loop_control(line);
    in_.fail((tag.starts_with("end") ? "unexpected tag '" : "unknown tag '") + tag + "'");
  }

  size_t parse_new_name() {
    const std::string name = in_.expect_identifier();
    if (is_one_of(name, kReserved)) in_.fail("cannot assign to '" + name + "'");
    return in_.symbol(name);
  }

  Target parse_single_target(bool attributes) {
    const ExpressionParser::Nesting nesting(in_);
    if (in_.skip_operator("(")) {
      Target target = parse_target(attributes);
      in_.expect_operator(")");
      return target;
    }
    Target target;
    target.symbol = parse_new_name();
    if (attributes && in_.skip_operator(".")) {
      target.kind = Target::Kind::kAttribute;
      target.attribute = in_.expect_identifier();
    }
    return target;
  }

  Target parse_target(bool attributes) {
    Target first = parse_single_target(attributes);
    if (!in_.current().is_operator(",")) return first;
    Target tuple;
    tuple.kind = Target::Kind::kTuple;
    tuple.parts.push_back(std::move(first));
    while (in_.skip_operator(",")) {
      if (in_.current().is_operator(")")) break;
      tuple.parts.push_back(parse_single_target(attributes));
    }
    return tuple;
  }

  void refuse_loop_name(const Target& target) {
    if (target.kind == Target::Kind::kName && target.symbol == in_.symbol("loop")) {
      in_.fail("cannot assign to the special variable 'loop' inside a for loop");
    }
    for (const Target& part : target.parts) refuse_loop_name(part);
  }

  StatementPtr parse_for(int line) {
    in_.take();
    auto out = make<For>(line);
    out->loop_symbol = in_.symbol("loop");
    out->target = parse_target(false);
    refuse_loop_name(out->target);
    if (!in_.skip_name("in")) in_.fail_unexpected("'in'");
    out->iterable = in_.parse_tuple(false);
    if (in_.skip_name("if")) out->condition = in_.parse_expression();
    if (in_.current().is_name("recursive")) in_.fail("recursive loops are not supported");
    ++loops_;
    out->body = parse_block({"else", "endfor"});
    --loops_;
    if (in_.take().text == "else") out->otherwise = parse_closed_block("endfor");
    return out;
  }

  StatementPtr parse_if(int line) {
    auto out = make<If>(line);
    std::string tag;
    do {
      in_.take();
      ExpressionPtr condition = in_.parse_tuple(false);
      out->branches.emplace_back(std::move(condition), parse_block({"elif", "else", "endif"}));
      tag = in_.current().text;
    } while (tag == "elif");
    in_.take();
    if (tag == "else") out->otherwise = parse_closed_block("endif");
    return out;
  }

  StatementPtr parse_set(int line) {
    in_.take();
    Target target = parse_target(true);
    if (loops_ > 0) refuse_loop_name(target);
    if (in_.skip_operator("=")) {
      auto out = make<Set>(line);
      out->target = std::move(target);
      out->value = in_.parse_tuple(true);
      return out;
    }
    auto out = make<SetBlock>(line);
    out->target = std::move(target);
    if (in_.skip_operator("|")) out->filter = in_.parse_filter(std::make_unique<CapturedText>());
    out->body = parse_captured_block("endset");
    return out;
  }

  StatementPtr parse_macro(int line) {
    in_.take();
    auto out = make<Macro>(line);
    out->name = in_.current().text;
    out->symbol = parse_new_name();
    in_.expect_operator("(");
    while (!in_.current().is_operator(")")) {
      MacroParameter parameter;
      parameter.name = in_.current().text;
      in_.refuse_macro_special(parameter.name);
      parameter.symbol = parse_new_name();
      if (in_.skip_operator("=")) {
        parameter.fallback = in_.parse_expression();
      } else if (!out->parameters.empty() && out->parameters.back().fallback) {
        in_.fail("a parameter without a default follows one with a default");
      }
      out->parameters.push_back(std::move(parameter));
      if (!in_.skip_operator(",")) break;
    }
    in_.expect_operator(")");
    ++in_.macros;
    out->body = parse_captured_block("endmacro");
    --in_.macros;
    return out;
  }

  StatementPtr parse_with(int line) {
    in_.take();
    auto out = make<With>(line);
    while (in_.current().type != Type::kBlockEnd && !in_.current().is_operator(":")) {
      if (!out->bindings.empty()) in_.expect_operator(",");
      Target target = parse_target(false);
      in_.expect_operator("=");
      out->bindings.emplace_back(std::move(target), in_.parse_expression());
    }
    out->body = parse_closed_block("endwith");
    return out;
  }

  StatementPtr parse_filter_block(int line) {
    in_.take();
    auto out = make<FilterBlock>(line);
    out->filter = in_.parse_filter(std::make_unique<CapturedText>());
    out->body = parse_captured_block("endfilter");
    return out;
  }

  StatementPtr parse_generation(int line) {
    if (captures_ > 0) {
      in_.fail(
          "a generation block inside a macro, filter, set or generation block is not supported");
    }
    in_.take();
    has_generation_ = true;
    auto out = make<Generation>(line);
    out->body = parse_captured_block("endgeneration");
    return out;
  }

  StatementPtr parse_loop_control(int line) {
    const std::string tag = in_.take().text;
    if (loops_ == 0) throw SyntaxFault(line, "'" + tag + "' outside of a loop");
    auto out = make<LoopControl>(line);
    out->flow = tag == "break" ? Flow::kBreak : Flow::kContinue;
    return out;
  }

  ExpressionParser in_;
  int loops_ = 0;     // that a `break` here could leave
  int captures_ = 0;  // blocks around that collect their text
  bool has_generation_ = false;
};

}  // namespace

TemplateTree parse_template(std::string_view source) { return Parser(source).run(); }

}  // namespace distill::jinja
