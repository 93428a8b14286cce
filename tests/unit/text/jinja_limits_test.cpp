// Templates that want too much end with an error, soon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/text/chat_template.h"

namespace distill {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

std::string error_of(const std::string& source) {
  try {
    ChatTemplate::parse(source, "T")->render(Json::array(), false, Json::object());
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

std::string repeat(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST(JinjaLimits, Work) {
  const std::string loop = "{% for a in range(100000) %}";
  EXPECT_THAT(error_of(loop + loop + "{% endfor %}{% endfor %}"), HasSubstr("too much work"));
  EXPECT_THAT(error_of(loop + "{% for b in range(100000) %}{{ loop.length }}{% break %}{% endfor %}"
                              "{% endfor %}"),
              HasSubstr("too much work"));
  EXPECT_THAT(
      error_of("{% set s = 'a' * 10000000 %}" + loop + "{{ s | upper | length }}{% endfor %}"),
      HasSubstr("too much work"));
  EXPECT_THAT(error_of("{% set s = 'a' * 1000000 %}{% set t = 'a' * 500000 ~ 'b' %}" + loop +
                       "{{ s.rfind(t) }}{{ t in s }}{% endfor %}"),
              HasSubstr("too much work"));
}

TEST(JinjaLimits, Range) {
  EXPECT_THAT(error_of("{{ range(100001) }}"), HasSubstr("range too big"));
}

TEST(JinjaLimits, TextSize) {
  EXPECT_THAT(error_of("{{ 'ab' * 99999999 }}"), HasSubstr("64 MiB"));
  EXPECT_THAT(error_of("{{ 'a'.ljust(999999999999) }}"), HasSubstr("64 MiB"));
  EXPECT_THAT(error_of("{{ 'a\nb' | indent(999999999999) }}"), HasSubstr("64 MiB"));
  EXPECT_THAT(error_of("{% set s = 'a' * 9999999 %}" + repeat("{{ s }}", 9)), HasSubstr("64 MiB"));
  EXPECT_THAT(error_of("{% set s = 'a' * 9999999 %}{{ [s] * 1000 | tojson }}"),
              AnyOf(HasSubstr("64 MiB"), HasSubstr("operand")));
  EXPECT_THAT(error_of("{% set s = 'a' * 9999999 %}{{ ([s] * 1000) | tojson }}"),
              HasSubstr("64 MiB"));
}

TEST(JinjaLimits, ValueSizeAndDepth) {
  EXPECT_THAT(error_of("{{ [0] * 99999999 }}"), HasSubstr("list grows too long"));
  EXPECT_THAT(error_of("{% set x = [1] %}" + repeat("{% set x = [x, x] %}", 60) + "{{ x == x }}"),
              HasSubstr("more than 4000000 parts"));
  EXPECT_THAT(error_of("{% set ns = namespace(x=[]) %}{% for i in range(1000) %}"
                       "{% set ns.x = [ns.x] %}{% endfor %}"),
              HasSubstr("deeper than 200"));
  EXPECT_THAT(error_of("{% set ns = namespace(x=[]) %}{% for i in range(1000) %}"
                       "{% set ns.x = ns.x | map('upper') %}{% endfor %}"),
              HasSubstr("deeper than 200"));
}

TEST(JinjaLimits, Recursion) {
  EXPECT_THAT(error_of("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
              HasSubstr("recurses too deeply"));
  EXPECT_THAT(error_of("{{ " + repeat("[", 100000)), HasSubstr("too deeply"));
  EXPECT_THAT(error_of("{{ " + repeat("not ", 100000) + "1 }}"), HasSubstr("too deeply"));
  EXPECT_THAT(error_of("{{ " + repeat("-", 100000) + "1 }}"), HasSubstr("too deeply"));
  EXPECT_THAT(error_of("{{ 1" + repeat("+1", 100000) + " }}"), HasSubstr("too deeply"));
  EXPECT_THAT(error_of("{{ x" + repeat(".x", 100000) + " }}"), HasSubstr("too deeply"));
  EXPECT_THAT(error_of("{{ x" + repeat("|list", 100000) + " }}"), HasSubstr("too deeply"));
  EXPECT_THAT(error_of(repeat("{% if 1 %}", 100000)), HasSubstr("too deeply"));
}

/// Reference cycles: the leak checker of a sanitized build is the judge.
TEST(JinjaLimits, Cycles) {
  EXPECT_EQ(error_of("{% set ns = namespace() %}{% set ns.self = ns %}{% set ns.list = [ns] %}"),
            "no error");
  EXPECT_EQ(error_of("{% set ns = namespace() %}{% for i in range(3) %}{% set ns.loop = loop %}"
                     "{{ loop.changed(loop) }}{% macro m() %}{{ ns }}{% endmacro %}"
                     "{% set ns.m = m %}{% endfor %}"),
            "no error");
  EXPECT_EQ(error_of("{% set ns = namespace(n=none) %}{% for i in range(9999) %}"
                     "{% set ns.n = namespace(n=ns.n) %}{% endfor %}"),
            "no error");
}

/// A macro outlives the scope in which it was defined.
TEST(JinjaLimits, EscapedMacros) {
  const auto chat_template = ChatTemplate::parse(
      "{% set ns = namespace(f=none) %}{% for i in range(2) %}{% macro m() %}{{ i }}"
      "{{ loop.index }}{% endmacro %}{% set ns.f = m %}{% endfor %}{{ ns.f() }}",
      "T");
  EXPECT_EQ(chat_template->render(Json::array(), false, Json::object()).text, "12");
  EXPECT_THAT(error_of("{% set ns = namespace() %}{% macro m() %}{% macro k() %}{{ ns.f() }}"
                       "{% endmacro %}{% set ns.f = k %}{% endmacro %}"
                       "{% for i in range(9999) %}{{ m() }}{{ ns.f() }}{% endfor %}"),
              HasSubstr("recurses too deeply"));
}

/// A loop whose condition asks the loop itself for its next item.
TEST(JinjaLimits, ReenteredLoop) {
  EXPECT_THAT(error_of("{% set ns = namespace(f=none) %}"
                       "{% for i in range(9) if not ns.f or ns.f() %}"
                       "{% macro m() %}{{ loop.last }}{% endmacro %}{% set ns.f = m %}"
                       "{{ loop.last }}{% endfor %}"),
              HasSubstr("already executing"));
}

}  // namespace
}  // namespace distill
