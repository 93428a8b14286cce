#include "data/messages.h"

#include <gmock/gmock.h>

#include "fakes.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Conversation messages(const std::string& list) {
  return read_messages(parse_json("{\"messages\": " + list + "}", "record"), "messages");
}

Conversation sharegpt(const std::string& list) {
  return read_sharegpt(parse_json("{\"conversations\": " + list + "}", "record"), "conversations");
}

std::string message_error(const std::string& message) {
  return data_error([&] { messages(R"([{"role": "user", "content": "q"}, )" + message + "]"); });
}

std::string call_error(const std::string& calls) {
  return message_error(R"({"role": "assistant", "tool_calls": )" + calls + "}");
}

TEST(Messages, PassOnWhatTemplatesReadAndNoNulls) {
  const Conversation conversation = messages(
      R"([{"role": "user", "content": "q", "name": "n", "tool_calls": null, "train": null},
          {"role": "assistant", "reasoning": "r", "content": "a", "weight": 0}])");
  EXPECT_EQ(conversation.messages.dump(), R"([{"role":"user","content":"q","name":"n"},)"
                                          R"({"role":"assistant","reasoning":"r","content":"a"}])");
  EXPECT_THAT(conversation.learned, ElementsAre(true, false));
  EXPECT_FALSE(conversation.with_text_arguments);
}

TEST(Messages, JoinTextParts) {
  EXPECT_EQ(messages(R"([{"role": "user", "content": [{"type": "text", "text": "a"},
                                                       {"type": "text", "text": "b"}]}])")
                .messages[0]["content"],
            "ab");
  EXPECT_EQ(message_error(R"({"role": "user", "content": [{"type": "image", "url": "u"}]})"),
            R"(messages[1].content[0].type: expected "text", found "image")");
  EXPECT_EQ(message_error(R"({"role": "user", "content": ["x"]})"),
            R"(messages[1].content[0]: expected an object with 'type', found "x")");
}

TEST(Messages, SayWhatIsWrongWithThem) {
  EXPECT_EQ(
      message_error(R"({"role": "bot", "content": "a"})"),
      R"(messages[1].role: expected system, developer, user, assistant or tool, found "bot")");
  EXPECT_EQ(message_error(R"({"role": 1, "content": "a"})"),
            "messages[1].role: expected a string, found 1");
  EXPECT_EQ(message_error(R"({"role": "user", "content": null})"),
            R"(messages[1]: expected an object with 'content', found {"role":"user"})");
  EXPECT_EQ(message_error(R"({"role": "assistant", "content": "a", "train": 1})"),
            "messages[1].train: expected true or false, found 1");
  EXPECT_EQ(message_error(R"({"role": "assistant", "content": "a", "weight": 0.5})"),
            "messages[1].weight: expected 0 or 1, found 0.5");
  EXPECT_EQ(message_error(R"({"role": "user", "content": "a", "train": true})"),
            "messages[1].train: only assistant turns can be learned, and this is a user message");
}

TEST(Messages, SayWhatIsWrongWithToolCalls) {
  EXPECT_EQ(call_error(R"("f")"),
            R"(messages[1].tool_calls: expected a list of tool calls, found "f")");
  EXPECT_THAT(call_error("[]"), HasSubstr("messages[1]: expected an object with 'content'"));
  EXPECT_EQ(call_error("[3]"),
            "messages[1].tool_calls[0]: expected an object with 'function', found 3");
  EXPECT_EQ(call_error(R"([{"function": {"arguments": {}}}])"),
            R"(messages[1].tool_calls[0].function: expected an object with 'name', found )"
            R"({"arguments":{}})");
  EXPECT_EQ(call_error(R"([{"function": {"name": "f", "arguments": [1]}}])"),
            "messages[1].tool_calls[0].function.arguments: expected an object or the JSON text of "
            "one, found [1]");
  EXPECT_THAT(call_error(R"([{"function": {"name": "f", "arguments": "{x"}}])"),
              HasSubstr("messages[1].tool_calls[0].function.arguments:1:2: "));
}

TEST(Messages, ComeFromShareGpt) {
  const Conversation conversation = sharegpt(
      R"([{"from": "system", "value": "s"}, {"from": "human", "value": "q"},
          {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"x\": 1}}"},
          {"from": "observation", "value": "o"}, {"from": "gpt", "value": "a", "weight": 0}])");
  EXPECT_EQ(conversation.messages.dump(),
            R"([{"role":"system","content":"s"},{"role":"user","content":"q"},)"
            R"({"role":"assistant","content":"","tool_calls":[{"type":"function",)"
            R"("function":{"name":"f","arguments":{"x":1}}}]},)"
            R"({"role":"tool","content":"o"},{"role":"assistant","content":"a"}])");
  EXPECT_THAT(conversation.learned, ElementsAre(true, true, true, true, false));
  EXPECT_EQ(
      sharegpt(R"([{"from": "function_call", "value": "[{\"name\": \"f\"}, {\"name\": \"g\"}]"}])")
          .messages[0]["tool_calls"]
          .size(),
      2U);
}

TEST(Messages, SayWhatIsWrongWithShareGpt) {
  const auto error = [](const std::string& list) { return data_error([&] { sharegpt(list); }); };
  EXPECT_EQ(error(R"([{"from": "gpt"}])"),
            R"(conversations[0]: expected an object with 'value', found {"from":"gpt"})");
  EXPECT_THAT(error(R"([{"from": "function_call", "value": "f of x"}])"),
              HasSubstr("conversations[0].value:1:2: "));
  EXPECT_EQ(error(R"([{"from": "function_call", "value": "[3]"}])"),
            "conversations[0].value: expected the JSON of a call with 'name' and 'arguments', "
            "found 3");
}

TEST(Messages, ToolsMayBeJsonText) {
  const auto tools = [](const std::string& column) {
    return read_tools(parse_json("{\"tools\": " + column + "}", "record"), "tools");
  };
  EXPECT_EQ(tools(R"([{"name": "f"}])"), tools(R"("[{\"name\": \"f\"}]")"));
  EXPECT_TRUE(tools("null").is_null());
  EXPECT_TRUE(read_tools(Json::object(), "tools").is_null());
  EXPECT_EQ(data_error([&] { tools("3"); }),
            "the column 'tools': expected a list of tools, found 3");
  EXPECT_EQ(data_error([&] { tools(R"(["f"])"); }),
            R"(tools[0]: expected an object that describes a tool, found "f")");
  EXPECT_THAT(data_error([&] { tools(R"("[")"); }), HasSubstr("the column 'tools':1:"));
}

}  // namespace
}  // namespace distill
