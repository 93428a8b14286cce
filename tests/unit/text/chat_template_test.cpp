#include "distill/text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/core/files.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

template <typename Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

class ChatTemplateFolder : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("chat_") + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { write_file(folder_ / name, text); }
  std::string rendered() const {
    return load_chat_template(folder_)->render(Json::array(), false, Json::object()).text;
  }

  std::filesystem::path folder_;
};

TEST_F(ChatTemplateFolder, TakesTheFileBeforeTheConfigs) {
  EXPECT_EQ(load_chat_template(folder_), nullptr);
  write("tokenizer_config.json", R"({"chat_template": "config"})");
  EXPECT_EQ(rendered(), "config");
  write("chat_template.json", R"({"chat_template": "json"})");
  EXPECT_EQ(rendered(), "json");
  write("chat_template.jinja", "jinja");
  EXPECT_EQ(rendered(), "jinja");
}

TEST_F(ChatTemplateFolder, TakesTheDefaultOfAList) {
  for (const char* const named :
       {R"([{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}])",
        R"({"rag": "r", "default": "d"})"}) {
    write("tokenizer_config.json", R"({"chat_template": )" + std::string(named) + "}");
    EXPECT_EQ(rendered(), "d");
  }
}

TEST_F(ChatTemplateFolder, TakesToolUseWhereThereAreTools) {
  write("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "t"},
                                                       {"name": "default", "template": "d"}]})");
  const auto with_tools = [this](const char* tools) {
    const Json context = {{"tools", Json::parse(tools)}};
    return load_chat_template(folder_)->render(Json::array(), false, context).text;
  };
  EXPECT_EQ(rendered(), "d");
  EXPECT_EQ(with_tools("null"), "d");
  EXPECT_EQ(with_tools("[]"), "t");
  EXPECT_EQ(with_tools("[{}]"), "t");
}

TEST_F(ChatTemplateFolder, ReadsAdditionalTemplatesAndThenNoOthers) {
  std::filesystem::create_directories(folder_ / "additional_chat_templates");
  write("tokenizer_config.json", R"({"chat_template": "config"})");
  write("additional_chat_templates/tool_use.jinja", "t");
  EXPECT_THAT(error_of([&] { rendered(); }),
              HasSubstr("none of the chat templates 'tool_use' is named 'default'"));
  write("chat_template.jinja", "main");
  EXPECT_EQ(rendered(), "main");
  const Json context = {{"tools", Json::array()}};
  EXPECT_EQ(load_chat_template(folder_)->render(Json::array(), false, context).text, "t");
}

TEST_F(ChatTemplateFolder, SaysWhatIsWrongWithAList) {
  const auto error = [this](const std::string& named) {
    write("tokenizer_config.json", R"({"chat_template": )" + named + "}");
    return error_of([&] { load_chat_template(folder_); });
  };
  EXPECT_THAT(error(R"([{"name": "rag", "template": "r"}, {"name": "x", "template": "y"}])"),
              HasSubstr("none of the chat templates 'rag', 'x' is named 'default'"));
  EXPECT_THAT(error("3"), HasSubstr("expected a string or a list of {name, template}"));
  EXPECT_THAT(error("[]"), HasSubstr("no error"));
  EXPECT_THAT(error(R"(["x"])"), HasSubstr("tokenizer_config.json: chat_template"));
  EXPECT_THAT(error(R"([{"name": "default"}])"), HasSubstr("chat_template: template"));
  EXPECT_THAT(error(R"({"default": 1})"), HasSubstr("chat_template: default"));
  EXPECT_THAT(error(R"({"default": "d", "tool_use": "{{ x | nosuch }}"})"),
              HasSubstr("chat_template.tool_use:1: the filter 'nosuch' is not supported"));
}

TEST_F(ChatTemplateFolder, HasNoneWhereTheConfigHasNone) {
  write("tokenizer_config.json", R"({"chat_template": null})");
  EXPECT_EQ(load_chat_template(folder_), nullptr);
  write("tokenizer_config.json", R"({"bos_token": "<s>"})");
  EXPECT_EQ(load_chat_template(folder_), nullptr);
}

TEST_F(ChatTemplateFolder, NamesTheFileAndTheLineOfAnError) {
  write("chat_template.jinja", "a\n{{ x | nosuch }}");
  EXPECT_THAT(error_of([&] { load_chat_template(folder_); }),
              HasSubstr("chat_template.jinja:2: the filter 'nosuch' is not supported"));
}

TEST(ChatTemplate, GivesTheSpansOfGenerationBlocks) {
  const auto chat_template = ChatTemplate::parse(
      "{% for m in messages %}{{ m.role }}:{% generation %}{{ m.content }}{% endgeneration %};"
      "{% endfor %}",
      "T");
  const Json messages = Json::parse(
      "[{\"role\": \"a\", \"content\": \"x\\u00e9\"}, {\"role\": \"b\", \"content\": \"\"}]");
  const RenderedChat chat = chat_template->render(messages, false, Json::object());
  EXPECT_EQ(chat.text, "a:x\xC3\xA9;b:;");
  EXPECT_TRUE(chat.has_generation_blocks);
  const std::vector<std::pair<size_t, size_t>> expected = {{2, 5}, {8, 8}};
  EXPECT_EQ(chat.generation_spans, expected);
  const auto without = ChatTemplate::parse("x", "T");
  EXPECT_FALSE(without->render(messages, false, Json::object()).has_generation_blocks);
}

TEST(ChatTemplate, ReportsRaisedExceptionsInTheirOwnWords) {
  const auto chat_template = ChatTemplate::parse("\n{{ raise_exception('No ' ~ who) }}", "T");
  const Json context = {{"who", "tools"}};
  EXPECT_EQ(error_of([&] { chat_template->render(Json::array(), false, context); }), "T: No tools");
}

TEST(ChatTemplate, ReportsOtherErrorsWithTheirLine) {
  const auto chat_template = ChatTemplate::parse("a\n{% if 1 %}\n{{ 1 + x.y }}{% endif %}", "T");
  EXPECT_EQ(error_of([&] { chat_template->render(Json::array(), false, Json::object()); }),
            "T:3: 'x' is undefined");
}

TEST(ChatTemplate, RefusesMessagesThatAreNone) {
  const auto chat_template = ChatTemplate::parse("x", "T");
  const auto render = [&](const Json& messages, const Json& context) {
    return error_of([&] { chat_template->render(messages, false, context); });
  };
  EXPECT_THAT(render(Json::object(), Json::object()), StartsWith("T: the messages must be a list"));
  EXPECT_THAT(render(Json::array({1}), Json::object()), HasSubstr("a message must be an object"));
  EXPECT_THAT(render(Json::array(), Json::array()), HasSubstr("must be an object"));
  const Json invalid = {{"x", "\xff"}};
  EXPECT_THAT(render(Json::array(), invalid), HasSubstr("not UTF-8"));
  const Json huge = {{"x", 18446744073709551615U}};
  EXPECT_THAT(render(Json::array(), huge), HasSubstr("64 bits"));
  EXPECT_THAT(error_of([&] { ChatTemplate::parse("a\xff", "T"); }),
              HasSubstr("T: not UTF-8 at byte 1"));
}

TEST(ChatTemplate, AddsTheOtherNamesOfReasoning) {
  const auto chat_template = ChatTemplate::parse("{{ messages[0] }}", "T");
  const auto render = [&](const char* message) {
    return chat_template->render(Json::array({Json::parse(message)}), false, Json::object()).text;
  };
  EXPECT_EQ(render(R"({"role": "a", "reasoning": "r"})"),
            "{'thinking': 'r', 'role': 'a', 'reasoning': 'r', 'reasoning_content': 'r'}");
  EXPECT_EQ(render(R"({"reasoning_content": "c", "thinking": null, "role": "a"})"),
            "{'thinking': None, 'reasoning_content': 'c', 'role': 'a'}");
  EXPECT_EQ(render(R"({"thinking": null})"), "{'thinking': None}");
}

TEST(ChatTemplate, DefinesToolsAndDocumentsAlways) {
  const auto chat_template = ChatTemplate::parse(
      "{{ tools is none }} {{ documents is none }} {{ add_generation_prompt }} {{ x is defined }}",
      "T");
  EXPECT_EQ(chat_template->render(Json::array(), true, Json::object()).text,
            "True True True False");
}

TEST(ChatTemplate, NamesSpecialTokens) {
  SpecialTokens special;
  special.bos = "<s>";
  special.eos = "</s>";
  EXPECT_EQ(template_context(special).dump(), R"({"bos_token":"<s>","eos_token":"</s>"})");
}

}  // namespace
}  // namespace distill
