// What the engine does not do is refused by name, with the line.
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/text/chat_template.h"

namespace distill {
namespace {

struct Refusal {
  const char* source;
  const char* message;
};

std::string parse_error(const std::string& source) {
  try {
    ChatTemplate::parse(source, "T");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

std::string render_error(const std::string& source) {
  const Json context = {{"xs", {1, 2}}, {"d", {{"a", 1}}}, {"s", "text"}};
  try {
    ChatTemplate::parse(source, "T")->render(Json::array(), false, context);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(JinjaRefusal, WhenTheTemplateIsRead) {
  const Refusal refusals[] = {
      {"\n{% include 'x' %}", "T:2: the tag 'include' is not supported"},
      {"{% block a %}{% endblock %}", "T:1: the tag 'block' is not supported"},
      {"{% call m() %}{% endcall %}", "T:1: the tag 'call' is not supported"},
      {"{% nosuch %}", "T:1: unknown tag 'nosuch'"},
      {"{% endif %}", "T:1: unexpected tag 'endif'"},
      {"{% if 1 %}\n{% endfor %}", "T:2: unexpected tag 'endfor'"},
      {"{% if 1 %}", "T:1: expected 'endif', found the end of the template"},
      {"{% for x in y recursive %}{% endfor %}", "T:1: recursive loops are not supported"},
      {"{{ x\n| groupby('a') }}", "T:2: the filter 'groupby' is not supported"},
      {"{{ x is nosuch }}", "T:1: the test 'nosuch' is not supported"},
      {"{{ f(*x) }}", "T:1: argument unpacking ('*') is not supported"},
      {"{{ f(**x) }}", "T:1: argument unpacking ('**') is not supported"},
      {"{% macro m() %}{{ caller() }}{% endmacro %}", "T:1: 'caller' in a macro is not supported"},
      {"{% macro m(varargs) %}{% endmacro %}", "T:1: 'varargs' in a macro is not supported"},
      {"{% macro m() %}{% generation %}{% endgeneration %}{% endmacro %}",
       "T:1: a generation block inside a macro, filter, set or generation block is not supported"},
      {"{% for x in y %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
       "T:1: 'break' outside of a loop"},
      {"{% set true = 1 %}", "T:1: cannot assign to 'true'"},
      {"{{ 'a' }}\n{{ 'b }}", "T:2: a string is not closed"},
      {"{{ (1] }}", "T:1: unexpected ']', expected ')'"},
      {"{{ 1 $ 2 }}", "T:1: unexpected character '$'"},
      {"{{ 99999999999999999999 }}", "T:1: the integer 99999999999999999999 exceeds 64 bits"},
      {"{{ }}", "T:1: expected an expression, found the end of the print statement"},
      {"{# a", "T:1: missing end of comment tag"},
      {"{% raw %}a", "T:1: missing end of raw block"},
      {"{{ '\\ud800' }}", "T:1: an escape in a string is no Unicode character"},
  };
  for (const auto& [source, message] : refusals) EXPECT_EQ(parse_error(source), message) << source;
}

TEST(JinjaRefusal, WhenTheTemplateRuns) {
  const Refusal refusals[] = {
      {"{{ s.format(1) }}", "T:1: the method 'format' of str is not supported"},
      {"{{ '%s' % s }}", "T:1: formatting a string with % is not supported"},
      {"{{ d.copy() }}", "T:1: the method 'copy' of dict is not supported"},
      {"{{ xs.append(1) }}", "T:1: access to attribute 'append' of 'list' object is unsafe."},
      {"\n{{ xs | map('upper') }}", "T:2: a generator cannot be printed; add `| list`"},
      {"{{ range(3) }}", "T:1: a range cannot be printed; use range(...) | list"},
      {"{{ xs | map('nosuch') | list }}", "T:1: the filter 'nosuch' is not supported"},
      {"{{ xs | select('nosuch') | list }}", "T:1: the test 'nosuch' is not supported"},
      {"{{ cycler(1) }}", "T:1: 'cycler' is not supported"},
      {"{{ 9223372036854775807 + 1 }}", "T:1: an integer exceeds 64 bits"},
      {"{{ s + 1 }}", "T:1: can only concatenate str (not \"int\") to str"},
      {"{{ none + s }}", "T:1: unsupported operand type(s) for +: 'NoneType' and 'str'"},
      {"{{ d.nosuch.x }}", "T:1: 'dict object' has no attribute 'nosuch'"},
      {"{{ none.x.y }}", "T:1: 'None' has no attribute 'x'"},
      {"{{ xs[5].y }}", "T:1: list object has no element 5"},
      {"{{ d | tojson(nosuch=1) }}", "T:1: tojson() got an unexpected keyword argument 'nosuch'"},
      {"{{ [x] | tojson }}", "T:1: Object of type Undefined is not JSON serializable"},
      {"{% set d.x = 1 %}", "T:1: cannot assign attribute on non-namespace object"},
  };
  for (const auto& [source, message] : refusals) EXPECT_EQ(render_error(source), message) << source;
}

}  // namespace
}  // namespace distill
