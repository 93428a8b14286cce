// Chat templates against what transformers rendered, byte for byte.
#include <gtest/gtest.h>

#include <fstream>
#include <utility>
#include <vector>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/text/chat_template.h"
#include "support/fixtures.h"

namespace distill::golden {
namespace {

using Spans = std::vector<std::pair<size_t, size_t>>;

size_t count_code_points(const std::string& text, size_t bytes) {
  size_t count = 0;
  for (size_t i = 0; i < bytes; ++i)
    count += (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
  return count;
}

Spans in_code_points(const std::string& text, const Spans& spans) {
  Spans out;
  for (const auto& [begin, end] : spans) {
    out.emplace_back(count_code_points(text, begin), count_code_points(text, end));
  }
  return out;
}

std::vector<Json> read_cases(const std::filesystem::path& folder) {
  std::ifstream file(folder / "cases.jsonl");
  std::vector<Json> cases;
  for (std::string line; std::getline(file, line);) {
    cases.push_back(parse_json(line, "cases.jsonl:" + std::to_string(cases.size() + 1)));
  }
  return cases;
}

void check_error(const ChatTemplate& chat_template, const Json& item, const Json& context) {
  const Json& expected = item["expected_error"];
  try {
    const auto chat =
        chat_template.render(item["messages"], item["add_generation_prompt"].get<bool>(), context);
    ADD_FAILURE() << "expected an error: " << expected.dump() << "\nfound: " << chat.text;
  } catch (const DataError& error) {
    if (expected["raised_by_template"].get<bool>()) {
      EXPECT_EQ(error.what(), "T: " + expected["message"].get<std::string>());
    } else {
      EXPECT_TRUE(std::string(error.what()).starts_with("T:")) << error.what();
    }
  }
}

void check_case(const ChatTemplate& chat_template, const Json& item) {
  Json context = item["context"];
  context["tools"] = item["tools"];
  if (item.contains("expected_error")) return check_error(chat_template, item, context);
  const auto chat =
      chat_template.render(item["messages"], item["add_generation_prompt"].get<bool>(), context);
  EXPECT_EQ(chat.text, item["expected"].get<std::string>());
  const Spans expected =
      item.contains("assistant_spans") ? item["assistant_spans"].get<Spans>() : Spans();
  EXPECT_EQ(in_code_points(chat.text, chat.generation_spans), expected);
}

TEST(ChatTemplateGolden, RendersAsTransformers) {
  const auto folder = fixtures_folder() / "chat_templates";
  const std::vector<Json> cases = read_cases(folder);
  ASSERT_GE(cases.size(), 400U);
  for (const Json& item : cases) {
    const std::string name = item["template_name"].get<std::string>();
    SCOPED_TRACE(name + ", " + item["case"].get<std::string>());
    const auto chat_template =
        ChatTemplate::parse(read_file(folder / "templates" / (name + ".jinja")), "T");
    EXPECT_NO_THROW(check_case(*chat_template, item));
  }
}

}  // namespace
}  // namespace distill::golden
