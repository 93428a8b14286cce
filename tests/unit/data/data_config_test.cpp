#include "distill/data/data_config.h"

#include <gmock/gmock.h>

#include "distill/config/config_file.h"
#include "distill/core/error.h"

namespace distill {
namespace {

using testing::AllOf;
using testing::HasSubstr;

DataConfig read(const std::string& yaml) {
  DataConfig config;
  ConfigFile::parse(yaml, "c.yaml").read([&config](Section& section) { config.fields(section); });
  return config;
}

std::string error_of(const std::string& yaml) {
  try {
    read(yaml);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(DataConfig, ReadsTheSection) {
  const DataConfig config = read(R"(
max_length: 192
train_on: last_assistant
too_long: split
shuffle: false
test_size: 0.1
train:
  - {path: a.jsonl, format: prompt_completion, columns: {prompt: question, completion: answer}}
  - {path: b.jsonl, format: text, weight: 0.5, limit: 10}
)");
  EXPECT_EQ(config.max_length, 192);
  EXPECT_EQ(config.train_on, TrainOn::kLastAssistant);
  EXPECT_EQ(config.too_long, TooLong::kSplit);
  EXPECT_FALSE(config.shuffle);
  ASSERT_EQ(config.train.size(), 2U);
  EXPECT_EQ(config.train[0].column("prompt"), "question");
  EXPECT_EQ(config.train[1].column("text"), "text");
  EXPECT_EQ(config.train[1].format, "text");
  EXPECT_EQ(config.train[1].weight, 0.5);
  EXPECT_EQ(config.train[1].limit, 10);
}

TEST(DataConfig, RefusesWhatDoesNotFit) {
  EXPECT_THAT(error_of("max_length: 8"), HasSubstr("train"));
  const std::string train = "train: [{path: a, format: text}]\n";
  EXPECT_EQ(error_of(train), "");
  EXPECT_THAT(error_of(train + "eval: [{path: b, format: text}]\ntest_size: 0.1"),
              HasSubstr("test_size: it excludes data.eval"));
  EXPECT_THAT(error_of(train + "max_length: 1"), HasSubstr("max_length"));
  EXPECT_THAT(error_of(train + "too_long: cut"), HasSubstr("too_long"));
  EXPECT_THAT(error_of("train: [{path: a, format: text, columns: {prompt: x}}]"),
              HasSubstr("'prompt' is not a field of this format; its fields are text"));
  EXPECT_THAT(error_of("train: [{path: a, format: text, prompt_template: 'x'}]"),
              HasSubstr("only the format prompt_completion takes it"));
  for (const char* bad : {"{", "a } b", "{}", "{a{b}}", "x {y"}) {
    EXPECT_THAT(error_of("train: [{path: a, format: prompt_completion, prompt_template: '" +
                         std::string(bad) + "'}]"),
                AllOf(HasSubstr("prompt_template"), HasSubstr("for a brace")))
        << bad;
  }
}

}  // namespace
}  // namespace distill
