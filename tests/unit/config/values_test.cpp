// Typed values: what is accepted, and the sentence for everything else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_config.h"

namespace distill::sample {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Values, AllTypesAreRead) {
  const Config config = read(R"(
data:
  packing: true
  test_size: 0.25
  tags: [a, "b c", 12]
  train:
    - {path: x.jsonl, columns: {prompt: question, completion: answer}, limit: 7}
    - {path: 2024}
optimizer: {learning_rate: 1e-3, betas: [0, .5], layers: [-1, +2], }
train:
  num_epochs: 9223372036854775807
)");
  EXPECT_TRUE(config.data.packing);
  EXPECT_EQ(config.data.test_size, 0.25);
  EXPECT_THAT(config.data.tags, ElementsAre("a", "b c", "12"));
  ASSERT_EQ(config.data.train.size(), 2u);
  EXPECT_EQ(config.data.train[0].path, "x.jsonl");
  EXPECT_THAT(config.data.train[0].columns,
              ElementsAre(std::pair("prompt", "question"), std::pair("completion", "answer")));
  EXPECT_EQ(config.data.train[0].limit, 7);
  EXPECT_EQ(config.data.train[1].path, "2024");
  EXPECT_EQ(config.data.train[1].limit, std::nullopt);
  EXPECT_EQ(config.optimizer.learning_rate, 1e-3);
  EXPECT_THAT(config.optimizer.betas, ElementsAre(0, 0.5));
  EXPECT_THAT(config.optimizer.layers, ElementsAre(-1, 2));
  EXPECT_EQ(config.train.num_epochs, 9223372036854775807);
  EXPECT_EQ(config.train.micro_batch_size, 8);
}

TEST(Values, Enumerators) {
  Config config;
  ConfigFile::parse("run: {output_dir: o, dtype: bfloat16}", "f").read(config.visitor());
  EXPECT_EQ(config.run.dtype, DType::kBFloat16);
}

std::string one_problem(const std::string& text) {
  const std::vector<std::string> problems = problems_of(text);
  return problems.size() == 1 ? problems[0] : testing::PrintToString(problems);
}

std::string rate(const std::string& value) {
  return one_problem("run: {output_dir: o}\noptimizer:\n  learning_rate: " + value + "\n");
}

TEST(Values, Numbers) {
  const std::string at = "f.yaml:3:18: optimizer.learning_rate: ";
  EXPECT_EQ(rate("abc"), at + "expected a number, found 'abc'");
  EXPECT_EQ(rate("'1'"), at + "expected a number, found '1' in quotes");
  EXPECT_EQ(rate("[1]"), at + "expected a number, found a list");
  EXPECT_EQ(rate("{a: 1}"), at + "expected a number, found a mapping");
  EXPECT_EQ(rate("1_000"), at + "expected a number, found '1_000'");
  EXPECT_EQ(rate("1e"), at + "expected a number, found '1e'");
  EXPECT_EQ(rate("+-1"), at + "expected a number, found '+-1'");
  EXPECT_EQ(rate("0x10"), at + "expected a number, found '0x10'");
  EXPECT_EQ(rate("nan"), at + "expected a number, found 'nan'");
  EXPECT_EQ(rate("infinity"), at + "expected a number, found 'infinity'");
  EXPECT_EQ(rate(".nan"), at + "expected a finite number, found '.nan'");
  EXPECT_EQ(rate("-.Inf"), at + "expected a finite number, found '-.Inf'");
  EXPECT_EQ(rate("1e999"), at + "expected a number that a double holds, found '1e999'");
  EXPECT_EQ(rate("-1"), at + "must be > 0, found -1");
  EXPECT_EQ(rate("0.0"), at + "must be > 0, found 0.0");
  // The place of a null is its key's: the value may be nowhere.
  EXPECT_EQ(rate(""), "f.yaml:3:3: optimizer.learning_rate: expected a number, found null");
  EXPECT_EQ(rate("~"), "f.yaml:3:3: optimizer.learning_rate: expected a number, found null");
  EXPECT_EQ(rate("2E-5"), "{}" + std::string());
}

std::string seed(const std::string& value) {
  return one_problem("run:\n  output_dir: o\n  seed: " + value + "\n");
}

TEST(Values, Integers) {
  const std::string at = "f.yaml:3:9: run.seed: ";
  EXPECT_EQ(seed("1.0"), at + "expected an integer, found '1.0'");
  EXPECT_EQ(seed("1e3"), at + "expected an integer, found '1e3'");
  EXPECT_EQ(seed("1_000"), at + "expected an integer, found '1_000'");
  EXPECT_EQ(seed("010"), at + "expected an integer, found '010'");
  EXPECT_EQ(seed("true"), at + "expected an integer, found 'true'");
  EXPECT_EQ(seed("9223372036854775808"),
            at + "expected an integer of 64 bits, found '9223372036854775808'");
  EXPECT_EQ(seed("-1"), at + "must be >= 0, found -1");
  EXPECT_EQ(seed("0"), "{}" + std::string());
}

TEST(Values, Booleans) {
  const auto packing = [](const std::string& value) {
    return one_problem("run: {output_dir: o}\ndata: {packing: " + value + "}\n");
  };
  const std::string at = "f.yaml:2:17: data.packing: expected true or false, found ";
  EXPECT_EQ(packing("yes"), at + "'yes'; did you mean 'true'?");
  EXPECT_EQ(packing("True"), at + "'True'; did you mean 'true'?");
  EXPECT_EQ(packing("Off"), at + "'Off'; did you mean 'false'?");
  EXPECT_EQ(packing("1"), at + "'1'");
  EXPECT_EQ(packing("'true'"), at + "'true' in quotes");
}

TEST(Values, StringsAndChoices) {
  EXPECT_EQ(one_problem("run: {output_dir: [a]}"),
            "f.yaml:1:19: run.output_dir: expected a string, found a list");
  EXPECT_EQ(one_problem("run: {output_dir: null}"),
            "f.yaml:1:7: run.output_dir: expected a string, found null");
  EXPECT_EQ(one_problem("run: {output_dir: o, dtype: flaot32}"),
            "f.yaml:1:29: run.dtype: expected one of auto, float32, bfloat16, found 'flaot32'; "
            "did you mean 'float32'?");
  EXPECT_EQ(one_problem("run: {output_dir: o, dtype: BF16}"),
            "f.yaml:1:29: run.dtype: expected one of auto, float32, bfloat16, found 'BF16'; "
            "did you mean 'bfloat16'?");
  EXPECT_EQ(one_problem("run: {output_dir: o, dtype: int4}"),
            "f.yaml:1:29: run.dtype: expected one of auto, float32, bfloat16, found 'int4'");
}

TEST(Values, ListsNameTheElement) {
  EXPECT_THAT(problems_after_run("optimizer: {betas: [0.9, x], layers: 3}\n"),
              ElementsAre("f.yaml:2:26: optimizer.betas.1: expected a number, found 'x'",
                          "f.yaml:2:38: optimizer.layers: expected a list, found '3'"));
  EXPECT_THAT(problems_after_run("optimizer: {betas: [0.9, 1]}\n"),
              ElementsAre("f.yaml:2:26: optimizer.betas.1: must be >= 0 and < 1, found 1"));
  EXPECT_THAT(problems_after_run("data: {tags: [a, null]}\n"),
              ElementsAre("f.yaml:2:18: data.tags.1: expected a string, found null"));
}

TEST(Values, MappingsOfStrings) {
  EXPECT_THAT(problems_after_run("data: {train: [{path: x, columns: [a]}]}\n"),
              ElementsAre("f.yaml:2:35: data.train.0.columns: expected a mapping of strings, "
                          "found a list"));
  EXPECT_THAT(problems_after_run("data: {train: [{path: x, columns: {a: {b: c}}}]}\n"),
              ElementsAre("f.yaml:2:39: data.train.0.columns.a: expected a string, "
                          "found a mapping"));
}

TEST(Values, ANullMappingIsAnEmptyOne) {
  EXPECT_THAT(read("data: {train: [{path: x, columns: null}]}\n").data.train[0].columns, IsEmpty());
  const Config config =
      read("data: {train: [{path: x, columns: {a: b}}]}\n", {"data.train.0.columns=null"});
  EXPECT_THAT(config.data.train[0].columns, IsEmpty());
}

TEST(Values, OptionalsTakeNullAndRanges) {
  EXPECT_EQ(read("data: {test_size: null}\n").data.test_size, std::nullopt);
  EXPECT_EQ(read("optimizer: {note: ~}\n").optimizer.note, std::nullopt);
  EXPECT_EQ(read("optimizer: {note: 'null'}\n").optimizer.note, "null");
  EXPECT_THAT(problems_after_run("data: {test_size: 1}\n"),
              ElementsAre("f.yaml:2:19: data.test_size: must be > 0 and < 1, found 1"));
}

TEST(Values, LongTextIsCutInMessages) {
  const std::string problem = seed(std::string(79, 'x') + "\xc3\xa4" + std::string(10000, 'y'));
  EXPECT_EQ(problem,
            "f.yaml:3:9: run.seed: expected an integer, found '" + std::string(79, 'x') + "...'");
  EXPECT_EQ(seed("\"a\\nb\""), "f.yaml:3:9: run.seed: expected an integer, found 'a b' in quotes");
}

}  // namespace
}  // namespace distill::sample
