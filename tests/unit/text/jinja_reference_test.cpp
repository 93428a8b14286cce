// Expressions, statements and white space against what jinja2 made of them.
#include <gtest/gtest.h>

#include <fstream>

#include "distill/core/error.h"
#include "distill/text/chat_template.h"

namespace distill {
namespace {

void check(const Json& setting, const Json& item) {
  const std::string source = item["template"].get<std::string>();
  SCOPED_TRACE(source);
  const auto render = [&] {
    return ChatTemplate::parse(source, "T")
        ->render(setting["messages"], false, setting["context"])
        .text;
  };
  if (item.contains("error")) {
    EXPECT_THROW(render(), DataError);
  } else {
    EXPECT_NO_THROW(EXPECT_EQ(render(), item["expected"].get<std::string>()));
  }
}

TEST(Jinja, RendersAsJinja2) {
  std::ifstream file(DISTILL_SOURCE_DIR "/tests/data/fixtures/chat_templates/expressions.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  const Json setting = parse_json(line, "expressions.jsonl:1");
  int checked = 0;
  for (; std::getline(file, line); ++checked) check(setting, parse_json(line, "expressions.jsonl"));
  EXPECT_EQ(checked, 2395);
}

}  // namespace
}  // namespace distill
