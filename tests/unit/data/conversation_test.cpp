// Which bytes of a conversation are learned, under templates that are in use.
#include "data/conversation.h"

#include <gmock/gmock.h>

#include "distill/core/files.h"
#include "fakes.h"

namespace distill {
namespace {

using testing::HasSubstr;

std::shared_ptr<const ChatTemplate> published(const std::string& name) {
  const std::string folder = DISTILL_SOURCE_DIR "/tests/data/fixtures/chat_templates/templates/";
  return ChatTemplate::parse(read_file(folder + name + ".jinja"), name);
}

MarkedText mark(const ChatTemplate& chat, const std::string& record,
                TrainOn train_on = TrainOn::kAssistant) {
  const Json json = parse_json(record, "record");
  Conversation conversation = read_messages(json, "messages");
  conversation.tools = read_tools(json, "tools");
  const Json context = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  return render_chat(chat, conversation, context, train_on);
}

/// The text to learn, each range in brackets.
std::string learned(const MarkedText& marked) {
  std::string text;
  for (const auto& [begin, end] : marked.targets) {
    text += "[" + marked.text.substr(begin, end - begin) + "]";
  }
  return text;
}

std::string error_of(const ChatTemplate& chat, const std::string& record,
                     TrainOn train_on = TrainOn::kAssistant) {
  return data_error([&] { mark(chat, record, train_on); });
}

const char* const kTwoTurns = R"({"messages": [
    {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
    {"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]})";

TEST(Conversation, LearnsWhatTheTemplateAddsForATurn) {
  EXPECT_EQ(learned(mark(*published("qwen2"), kTwoTurns)), "[a<|im_end|>\n][b<|im_end|>\n]");
  EXPECT_EQ(learned(mark(*published("chatml"), kTwoTurns)), "[a<|im_end|>\n][b<|im_end|>\n]");
  EXPECT_EQ(learned(mark(*published("llama3"), kTwoTurns)), "[a<|eot_id|>][b<|eot_id|>]");
  EXPECT_EQ(learned(mark(*published("llama2"), kTwoTurns)), "[ a </s>][ b </s>]");
  EXPECT_EQ(learned(mark(*published("gemma"), kTwoTurns)), "[a<end_of_turn>\n][b<end_of_turn>\n]");
  EXPECT_EQ(learned(mark(*published("zephyr"), kTwoTurns)), "[a</s>\n][b</s>\n]");
  EXPECT_EQ(learned(mark(*published("generation-tag"), kTwoTurns)), "[a</s>][b</s>]");
}

TEST(Conversation, LeavesOutTurnsThatTheRecordTakesOut) {
  for (const char* const flag : {R"("train": false)", R"("weight": 0)", R"("weight": 0.0)"}) {
    const std::string record = R"({"messages": [{"role": "user", "content": "q", "weight": 0},
        {"role": "assistant", "content": "a", )" +
                               std::string(flag) +
                               R"(}, {"role": "user", "content": "r", "train": null},
        {"role": "assistant", "content": "b", "train": true, "weight": 1}]})";
    for (const char* const name : {"llama3", "generation-tag"}) {
      const auto chat = published(name);
      const MarkedText marked = mark(*chat, record);
      EXPECT_EQ(marked.text, mark(*chat, kTwoTurns).text);
      EXPECT_EQ(learned(marked), learned(mark(*chat, kTwoTurns, TrainOn::kLastAssistant)));
      EXPECT_THAT(error_of(*chat, record, TrainOn::kAll),
                  HasSubstr("message 1 is not to be learned"));
    }
  }
}

TEST(Conversation, NeedsATurnToLearn) {
  const auto chat = published("llama3");
  const std::string user = R"({"role": "user", "content": "q"})";
  const std::string silent = R"({"role": "assistant", "content": "a", "train": false})";
  EXPECT_EQ(error_of(*chat, R"({"messages": [)" + user + "]}"),
            "expected an assistant turn to learn, found none in 1 message");
  EXPECT_EQ(error_of(*chat, R"({"messages": [)" + user + "," + silent + "]}"),
            "expected an assistant turn to learn, but train or weight takes every one out");
  EXPECT_THAT(
      error_of(*chat, R"({"messages": [)" + user + "," + silent + "]}", TrainOn::kLastAssistant),
      HasSubstr("takes the last one out"));
  EXPECT_EQ(learned(mark(*chat, R"({"messages": [)" + user + "]}", TrainOn::kAll)).substr(0, 4),
            "[<s>");
  const auto unmarked =
      ChatTemplate::parse("{% if false %}{% generation %}{% endgeneration %}{% endif %}x", "T");
  EXPECT_THAT(error_of(*unmarked, kTwoTurns), HasSubstr("generation blocks mark nothing"));
}

/// Qwen3 drops the thoughts of earlier turns: only the last one is written as it was generated.
TEST(Conversation, RefusesTurnsThatAreRewrittenLater) {
  const auto chat = published("qwen3");
  EXPECT_THAT(error_of(*chat, kTwoTurns),
              testing::AllOf(HasSubstr("renders message 1 or what comes before it differently"),
                             HasSubstr("or use train_on: last_assistant")));
  EXPECT_EQ(learned(mark(*chat, kTwoTurns, TrainOn::kLastAssistant)),
            "[<think>\n\n</think>\n\nb<|im_end|>\n]");
  const std::string open_end = R"({"messages": [{"role": "user", "content": "q"},
      {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"}]})";
  EXPECT_THAT(error_of(*chat, open_end, TrainOn::kLastAssistant),
              HasSubstr("or end the conversation with that message"));
}

TEST(Conversation, RefusesAGenerationPromptThatTheAnswerLacks) {
  const auto chat = ChatTemplate::parse(
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
      "{% if add_generation_prompt %}<assistant><think>{% endif %}",
      "T");
  EXPECT_THAT(error_of(*chat, kTwoTurns, TrainOn::kLastAssistant),
              HasSubstr("generation prompt is not how it begins message 3"));
}

TEST(Conversation, SaysThatABeginningCannotBeRendered) {
  const std::string record = R"({"messages": [{"role": "assistant", "content": "a"}]})";
  EXPECT_THAT(error_of(*published("qwen2.5"), record),
              HasSubstr("renders the whole conversation, but not its first 0 messages"));
  EXPECT_EQ(learned(mark(*published("llama3"), record)), "[a<|eot_id|>]");
}

/// Thought and answer in a block each, and one that only closes a conversation.
TEST(Conversation, TellsTheBlocksOfATurnFromThoseOfOthers) {
  const auto chat = ChatTemplate::parse(
      "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}"
      "{% if m.thinking is defined %}{% generation %}({{ m.thinking }}){% endgeneration %}"
      "{% endif %}-{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}"
      "{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% else %}"
      "{% generation %}{{ eos_token }}{% endgeneration %}{% endif %}",
      "T");
  const std::string begin = R"({"messages": [{"role": "user", "content": "q"},
      {"role": "assistant", "thinking": "t", "content": "a")";
  const std::string end = R"(}, {"role": "assistant", "thinking": "u", "content": "b"}]})";
  EXPECT_EQ(learned(mark(*chat, begin + end)), "[(t)][a][(u)][b][</s>]");
  EXPECT_EQ(learned(mark(*chat, begin + end, TrainOn::kLastAssistant)), "[(u)][b][</s>]");
  EXPECT_EQ(learned(mark(*chat, begin + R"(, "train": false)" + end)), "[(u)][b][</s>]");
}

TEST(Conversation, LearnsToolCallsButNotTheirResults) {
  const auto record = [](const std::string& arguments) {
    return R"({"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "messages": [{"role": "user", "content": "q"},
          {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "id": "1",
            "function": {"name": "f", "arguments": )" +
           arguments + R"(}}]},
          {"role": "tool", "tool_call_id": "1", "content": "42"},
          {"role": "assistant", "content": "b", "tool_calls": null}]})";
  };
  const auto chat = published("qwen2.5");
  const MarkedText marked = mark(*chat, record(R"({"x": [1, 2.50]})"));
  EXPECT_EQ(learned(marked),
            "[<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": [1, 2.5]}}\n</tool_call>"
            "<|im_end|>\n][b<|im_end|>\n]");
  EXPECT_THAT(marked.text, HasSubstr("# Tools"));
  EXPECT_THAT(marked.text, HasSubstr("<tool_response>\n42\n</tool_response>"));
  EXPECT_EQ(mark(*chat, record(R"("{\"x\":[1,2.50]}")")).text, marked.text);

  // DeepSeek's template joins the arguments to a text: it needs them as text.
  const auto joins = ChatTemplate::parse(
      "{% for m in messages %}<{{ m.role }}>{% for c in m.tool_calls or [] %}"
      "{{ 'call ' + c.function.arguments }}{% endfor %}{{ m.content }};{% endfor %}"
      "{% if add_generation_prompt %}<assistant>{% endif %}",
      "T");
  EXPECT_EQ(learned(mark(*joins, record(R"("{\"x\":[1,2.50]}")"))), "[call {\"x\":[1,2.50]};][b;]");
  EXPECT_THAT(error_of(*joins, record(R"({"x": 1})")), HasSubstr("T:1: can only concatenate str"));
}

TEST(Conversation, BadOnesAreSkippedAndCounted) {
  const Scratch scratch;
  DataConfig config;
  config.on_bad_record = OnBadRecord::kSkip;
  SourceConfig source;
  source.format = "messages";
  std::string lines = parse_json(kTwoTurns, "record").dump() + "\n";
  for (const char* const bad :
       {"[]", "3", R"([{"role": "bot", "content": "x"}])", R"([{"role": "user", "content": "x"}])",
        R"([{"role": "user"}])", R"([{"role": "assistant", "content": 1}])"}) {
    lines += R"({"messages": )" + std::string(bad) + "}\n";
  }
  source.path = scratch.file("t.jsonl", lines).string();
  config.train = {source};
  const auto splits = load_data(config, std::make_shared<FakeTokenizer>(), published("llama3"));
  DataReport report;
  const Dataset& train = *splits.train;
  EXPECT_EQ(train.documents(train.order(1, 0, false), report).size(), 1U);
  EXPECT_EQ(report.bad_records, 6);
}

}  // namespace
}  // namespace distill
