#include "distill/data/formatter.h"

#include <gmock/gmock.h>

#include "fakes.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Case {
  std::string format = "prompt_completion";
  TrainOn train_on = TrainOn::kAssistant;
  std::shared_ptr<const ChatTemplate> chat = nullptr;
  bool bos = false;
  std::vector<std::pair<std::string, std::string>> columns = {};
  std::optional<std::string> prompt_template = {};
  std::optional<std::string> eos_token = {};
};

Document format(const Case& test_case, const std::string& record) {
  SourceConfig source;
  source.path = "f.jsonl";
  source.format = test_case.format;
  source.columns = test_case.columns;
  source.prompt_template = test_case.prompt_template;
  source.eos_token = test_case.eos_token;
  const Formatter formatter(source, test_case.train_on,
                            std::make_shared<FakeTokenizer>(test_case.bos), test_case.chat);
  return formatter.format(parse_json(record, "record"));
}

std::string error_of(const Case& test_case, const std::string& record) {
  return data_error([&] { format(test_case, record); });
}

const auto kChat = std::make_shared<FakeChat>();
const auto kBlocks = std::make_shared<FakeChat>(FakeChat::Kind::kGenerationBlocks);
const auto kForgets = std::make_shared<FakeChat>(FakeChat::Kind::kForgetsOldAnswers);

TEST(Formatter, PlainPairsEndWithEos) {
  const Document document = format({}, R"({"prompt": "1+1=", "completion": "2"})");
  EXPECT_EQ(whole(document), "1+1=2</s>");
  EXPECT_EQ(learned(document), "2</s>");
  const Document all =
      format({.train_on = TrainOn::kAll}, R"({"prompt": "1+1=", "completion": "2"})");
  EXPECT_EQ(learned(all), "1+1=2</s>");
  EXPECT_EQ(learned(format({}, R"({"prompt": "", "completion": "x"})")), "x</s>");
  EXPECT_EQ(learned(format({}, R"({"prompt": "x", "completion": ""})")), "</s>");
}

TEST(Formatter, BosFollowsTheTokenizer) {
  const Document document = format({.bos = true}, R"({"prompt": "a", "completion": "b"})");
  EXPECT_EQ(whole(document), "<s>ab</s>");
  EXPECT_EQ(learned(document), "b</s>");
  const Document chat =
      format({.chat = kChat, .bos = true}, R"({"prompt": "a", "completion": "b"})");
  EXPECT_EQ(whole(chat), "[user]a[.]\n[assistant]b[.]\n");
}

TEST(Formatter, ATokenAcrossTheBoundaryIsLearned) {
  const Document document = format({}, R"({"prompt": "say ", "completion": "yes"})");
  EXPECT_EQ(learned(document), " yes</s>");  // " y" is one token
}

TEST(Formatter, EosOfTheTextIsNotDoubled) {
  class Ending : public FakeTokenizer {
    Encoding encode(std::string_view text, const EncodeOptions& options) const override {
      Encoding encoding = FakeTokenizer::encode(text, options);
      encoding.ids.push_back(kEos);
      encoding.offsets.push_back({0, 0});
      return encoding;
    }
  };
  SourceConfig source;
  const Formatter formatter(source, TrainOn::kAssistant, std::make_shared<Ending>(), nullptr);
  const Document document =
      formatter.format(parse_json(R"({"prompt": "a", "completion": "b"})", "r"));
  EXPECT_EQ(whole(document), "ab</s>");
  EXPECT_EQ(learned(document), "b</s>");
}

TEST(Formatter, TheSourceMayNameItsEos) {
  const std::string record = R"({"prompt": "a", "completion": "b"})";
  EXPECT_EQ(whole(format({.eos_token = "<s>"}, record)), "ab<s>");
  EXPECT_EQ(whole(format({.chat = kChat, .eos_token = "<s>"}, record)),
            "[user]a[.]\n[assistant]b[.]\n");
  EXPECT_EQ(error_of({.eos_token = "<x>"}, record),
            "f.jsonl: eos_token: the tokenizer has no token '<x>'");
}

TEST(Formatter, PairsGoThroughTheChatTemplate) {
  const std::string record = R"({"question": "1+1?", "answer": "2"})";
  Case test_case{.chat = kChat, .columns = {{"prompt", "question"}, {"completion", "answer"}}};
  const Document document = format(test_case, record);
  EXPECT_EQ(whole(document), "[user]1+1?[.]\n[assistant]2[.]\n");
  EXPECT_EQ(learned(document), "2[.]\n");
  test_case.train_on = TrainOn::kCompletion;
  EXPECT_EQ(learned(format(test_case, record)), "2[.]\n");
  test_case.train_on = TrainOn::kAll;
  EXPECT_EQ(learned(format(test_case, record)), "[user]1+1?[.]\n[assistant]2[.]\n");
}

TEST(Formatter, TextTemplatesJoinColumns) {
  const Case test_case{.prompt_template = "{{{a}}} of {b}: "};
  const Document document = format(test_case, R"({"a": "x", "b": 2.5, "completion": "y"})");
  EXPECT_EQ(whole(document), "{x} of 2.5: y</s>");
  EXPECT_EQ(error_of(test_case, R"({"a": "x", "completion": "y"})"),
            "the column 'b' is missing; the record has 'a', 'completion'");
  EXPECT_THAT(error_of(test_case, R"({"a": [1], "b": 1, "completion": "y"})"),
              HasSubstr("the column 'a': expected text or a number, found [1]"));
}

TEST(Formatter, TextIsLearnedWhole) {
  const Document document =
      format({.format = "text", .chat = kChat, .bos = true}, R"({"text": "ab"})");
  EXPECT_EQ(whole(document), "<s>ab</s>");
  EXPECT_THAT(document.is_target, ElementsAre(false, true, true, true));
}

const char* const kConversation = R"({"messages": [
    {"role": "system", "content": "s"}, {"role": "user", "content": "q"},
    {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"},
    {"role": "assistant", "content": "b"}, {"role": "user", "content": "t"}]})";

TEST(Formatter, LearnsEveryAssistantTurn) {
  Case test_case{.format = "messages", .chat = kChat};
  EXPECT_EQ(learned(format(test_case, kConversation)), "a[.]\n|b[.]\n|");
  test_case.train_on = TrainOn::kLastAssistant;
  EXPECT_EQ(learned(format(test_case, kConversation)), "b[.]\n|");
  test_case.train_on = TrainOn::kCompletion;
  EXPECT_EQ(learned(format(test_case, kConversation)), "b[.]\n|");
}

TEST(Formatter, GenerationBlocksDecide) {
  Case test_case{.format = "messages", .chat = kBlocks};
  EXPECT_EQ(learned(format(test_case, kConversation)), "a[.]|b[.]|");
  test_case.train_on = TrainOn::kLastAssistant;
  EXPECT_EQ(learned(format(test_case, kConversation)), "b[.]|");
}

TEST(Formatter, RefusesATemplateThatRewritesHistory) {
  const std::string record = R"({"messages": [
      {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
      {"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]})";
  Case test_case{.format = "messages", .chat = kForgets};
  EXPECT_THAT(error_of(test_case, record),
              HasSubstr("renders message 1 or what comes before it differently"));
  test_case.train_on = TrainOn::kLastAssistant;
  EXPECT_EQ(learned(format(test_case, record)), "b[.]\n");
}

TEST(Formatter, ReadsShareGpt) {
  const Case test_case{.format = "sharegpt", .chat = kChat};
  const Document document =
      format(test_case, R"({"conversations": [{"from": "system", "value": "s"},
      {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]})");
  EXPECT_EQ(whole(document), "[system]s[.]\n[user]q[.]\n[assistant]a[.]\n");
  EXPECT_EQ(learned(document), "a[.]\n");
}

TEST(Formatter, ReadsAlpaca) {
  Case test_case{.format = "alpaca", .chat = kChat};
  const std::string with = R"({"instruction": "i", "input": "x", "output": "o"})";
  const std::string without = R"({"instruction": "i", "input": "", "output": "o"})";
  EXPECT_EQ(whole(format(test_case, with)), "[user]i\nx[.]\n[assistant]o[.]\n");
  EXPECT_EQ(whole(format(test_case, without)), "[user]i[.]\n[assistant]o[.]\n");
  test_case.chat = nullptr;
  EXPECT_EQ(whole(format(test_case, with)),
            "Below is an instruction that describes a task, paired with an input that provides "
            "further context. Write a response that appropriately completes the request.\n\n"
            "### Instruction:\ni\n\n### Input:\nx\n\n### Response:o</s>");
  EXPECT_EQ(whole(format(test_case, without)),
            "Below is an instruction that describes a task. Write a response that appropriately "
            "completes the request.\n\n### Instruction:\ni\n\n### Response:o</s>");
  EXPECT_EQ(whole(format(test_case, R"({"instruction": "i", "output": "o"})")),
            whole(format(test_case, without)));
  EXPECT_EQ(learned(format(test_case, with)), "o</s>");
}

TEST(Formatter, ReadsTokens) {
  const Case test_case{.format = "tokens"};
  const Document all = format(test_case, R"({"tokens": [1, 2, 511]})");
  EXPECT_THAT(all.tokens, ElementsAre(1, 2, 511));
  EXPECT_THAT(all.is_target, ElementsAre(true, true, true));
  const Document masked = format(test_case, R"({"tokens": [1, 2, 3], "loss_mask": [0, 1, false]})");
  EXPECT_THAT(masked.is_target, ElementsAre(false, true, false));
  EXPECT_EQ(error_of(test_case, R"({"tokens": [1, 512]})"),
            "tokens[1]: expected a token id below 512, found 512");
  for (const char* tokens : {"[-1]", "[1.0]", "[\"a\"]", "[18446744073709551615]", "[[1]]"}) {
    EXPECT_THAT(error_of(test_case, "{\"tokens\": " + std::string(tokens) + "}"),
                HasSubstr("tokens[0]: expected a token id"));
  }
  for (const char* tokens : {"[]", "3", "null", "\"1 2\""}) {
    EXPECT_THAT(error_of(test_case, "{\"tokens\": " + std::string(tokens) + "}"),
                HasSubstr("expected a list of token ids"));
  }
  EXPECT_THAT(error_of(test_case, R"({"tokens": [1, 2], "loss_mask": [1]})"),
              HasSubstr("as long as the tokens (2)"));
  EXPECT_THAT(error_of(test_case, R"({"tokens": [1, 2], "loss_mask": [1, 2]})"),
              HasSubstr("loss_mask[1]: expected 0 or 1, found 2"));
}

TEST(Formatter, NamesTheColumnOfABadRecord) {
  EXPECT_EQ(error_of({}, R"({"prompt": "a"})"),
            "the column 'completion' is missing; the record has 'prompt'");
  EXPECT_EQ(error_of({}, "{}"), "the column 'prompt' is missing; the record has none");
  EXPECT_EQ(error_of({}, "[1]"), "expected a record (a JSON object), found [1]");
  EXPECT_EQ(error_of({}, R"({"prompt": 5, "completion": "b"})"),
            "the column 'prompt': expected a string, found 5");
  EXPECT_EQ(error_of({}, R"({"prompt": "a", "completion": null})"),
            "the column 'completion': expected a string, found null");
}

TEST(Formatter, NamesTheMessageOfABadConversation) {
  const Case test_case{.format = "messages", .chat = kChat};
  const auto message = [&](const std::string& messages) {
    return error_of(test_case, "{\"messages\": " + messages + "}");
  };
  EXPECT_EQ(message("[]"), "the column 'messages': the conversation is empty");
  EXPECT_THAT(message("\"hi\""), HasSubstr("expected a list of messages, found \"hi\""));
  EXPECT_THAT(message("[1]"), HasSubstr("messages[0]: expected an object with 'role', found 1"));
  EXPECT_THAT(message(R"([{"role": "bot", "content": "x"}])"),
              HasSubstr("messages[0].role: expected system, developer, user, assistant or tool, "
                        "found \"bot\""));
  EXPECT_THAT(message(R"([{"role": "user"}])"), HasSubstr("messages[0]: expected an object with "
                                                          "'content'"));
  EXPECT_THAT(message(R"([{"role": "user", "content": {"x": 1}}])"),
              HasSubstr("messages[0].content: expected a string, found {\"x\":1}"));
  const Case sharegpt{.format = "sharegpt", .chat = kChat};
  EXPECT_THAT(error_of(sharegpt, R"({"conversations": [{"from": "bot", "value": "x"}]})"),
              HasSubstr("conversations[0].from: expected human, user, gpt, assistant, system, "
                        "function_call, observation, function_response or tool, found \"bot\""));
  const auto refuses = std::make_shared<FakeChat>(FakeChat::Kind::kRefuses);
  EXPECT_EQ(error_of({.chat = refuses}, R"({"prompt": "a", "completion": "b"})"),
            "template: roles must alternate");
}

TEST(Formatter, ToolsReachTheTemplate) {
  const Case test_case{.format = "messages", .chat = kChat};
  EXPECT_THAT(whole(format(test_case, R"({"tools": [{"name": "f"}],
                                      "messages": [{"role": "user", "content": "q"},
                                                   {"role": "assistant", "content": "a"}]})")),
              HasSubstr("[tools][{\"name\":\"f\"}]"));
}

TEST(Formatter, NeedsATemplateOrAnEosToken) {
  EXPECT_THAT(error_of({.format = "messages"}, kConversation),
              HasSubstr("f.jsonl: conversations need a chat template"));
  const auto build = [](const std::string& format, std::shared_ptr<const ChatTemplate> chat) {
    SourceConfig source;
    source.path = "f.jsonl";
    source.format = format;
    Formatter formatter(source, TrainOn::kAll, std::make_shared<FakeTokenizer>(false, false), chat);
  };
  EXPECT_THAT(data_error([&] { build("text", kChat); }), HasSubstr("no EOS token"));
  EXPECT_THAT(data_error([&] { build("alpaca", nullptr); }), HasSubstr("no EOS token"));
  EXPECT_NO_THROW(build("alpaca", kChat));
  EXPECT_NO_THROW(build("tokens", nullptr));
}

}  // namespace
}  // namespace distill
