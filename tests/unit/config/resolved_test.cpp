// The resolved configuration: its text, its origins, and that it reads back as the same values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>

#include "sample_config.h"

namespace distill::sample {
namespace {

using testing::HasSubstr;

TEST(Resolved, EveryKeyWithItsOrigin) {
  Config config;
  const ConfigFile file = ConfigFile::parse(
      "run:\n"
      "  output_dir: runs/a b\n"
      "teacher: {type: ensemble, members: [{type: live, path: t}]}\n"
      "data:\n"
      "  train:\n"
      "    - path: '12'\n"
      "      columns: {prompt: question, 'a b': no}\n"
      "    - {path: x}\n"
      "objective: [{type: forward_kl, temperature: 2}]\n"
      "optimizer: {betas: [0.5, 0.75], layers: [3]}\n",
      "f.yaml",
      {"optimizer.betas.1=0.95", "objective.0.weight=1e-7", "run.seed=7", "data.tags=[on]"});
  file.read(config.visitor());
  EXPECT_EQ(file.resolved(config.visitor()), R"(run:
  output_dir: "runs/a b"  # line 2
  seed: 7  # command line
  dtype: auto  # default
  threads: null  # default
teacher:
  type: ensemble  # line 3
  members:
    - type: live  # line 3
      path: t  # line 3
data:
  packing: false  # default
  train:
    - path: "12"  # line 6
      columns: {prompt: question, "a b": "no"}  # line 7
      limit: null  # default
    - path: x  # line 8
      columns: {}  # default
      limit: null  # default
  test_size: null  # default
  tags: ["on"]  # command line
objective:
  - type: forward_kl  # line 9
    weight: 1.0e-07  # command line
    temperature: 2.0  # line 9
optimizer:
  learning_rate: 2.0e-05  # default
  betas: [0.5, 0.95]  # line 10, command line
  layers: [3]  # line 10
  note: null  # default
train:
  num_epochs: 1  # default
  micro_batch_size: 8  # default
extra: null  # default
)");
}

TEST(Resolved, EmptyListsSectionsAndNulls) {
  Config config;
  const ConfigFile file =
      ConfigFile::parse("run: {output_dir: o}\nteacher:\nobjective: []\n", "f", {});
  file.read(config.visitor());
  const std::string text = file.resolved(config.visitor());
  EXPECT_THAT(text, HasSubstr("\nteacher: null  # line 2\n"));
  EXPECT_THAT(text, HasSubstr("\nobjective: []  # line 3\n"));
  EXPECT_THAT(text, HasSubstr("\n  train: []  # default\n"));
  EXPECT_EQ(ConfigFile::parse("{}", "f").resolved([](Section&) {}), "{}\n");
}

TEST(Resolved, ReadsBackAndIsStable) {
  Config config;
  const ConfigFile file = ConfigFile::parse(
      "run: {output_dir: o, dtype: float32, threads: 3}\n"
      "teacher: {type: ensemble, members: [{type: ensemble, members: []}]}\n"
      "data: {train: [{path: x, columns: {a: b}}]}\n"
      "objective: [{type: cross_entropy}, {type: reverse_kl}]\n"
      "extra: {path: y}\n",
      "f");
  file.read(config.visitor());
  const std::string first = file.resolved(config.visitor());

  Config again;
  const ConfigFile second = ConfigFile::parse(first, "f");
  second.read(again.visitor());
  const auto without_comments = [](std::string text) {
    for (size_t at; (at = text.find("  #")) != std::string::npos;) {
      text.erase(at, text.find('\n', at) - at);
    }
    return text;
  };
  EXPECT_EQ(without_comments(second.resolved(again.visitor())), without_comments(first));
  EXPECT_EQ(again.run.dtype, DType::kFloat32);
}

struct Values {
  void fields(Section& section) {
    section.field("number", number, {});
    section.field("numbers", numbers, {});
    section.field("text", text, {});
    section.field("texts", texts, {});
    section.field("pairs", pairs, {});
  }
  double number = 0;
  std::vector<double> numbers;
  std::string text;
  std::vector<std::string> texts;
  std::vector<std::pair<std::string, std::string>> pairs;
};

Values round_trip(Values& values) {
  const std::string text =
      ConfigFile::parse("{}", "f").resolved([&](Section& section) { values.fields(section); });
  Values again;
  ConfigFile::parse(text, "f").read([&](Section& section) { again.fields(section); });
  return again;
}

TEST(Resolved, StringsSurvive) {
  Values values;
  values.texts = {"",
                  " ",
                  "a",
                  "a b",
                  "true",
                  "No",
                  "null",
                  "~",
                  "12",
                  "1e5",
                  "0x1",
                  ".inf",
                  "-",
                  "- a",
                  "? b",
                  ": c",
                  "a: b",
                  "a #b",
                  "#",
                  "[a]",
                  "{a}",
                  "a,b",
                  "*a",
                  "&a",
                  "!t",
                  "|",
                  ">",
                  "%x",
                  "@x",
                  "`",
                  "'",
                  "\"",
                  "\\",
                  "a\nb\n",
                  "\ttab",
                  "\r\n",
                  "\x01\x7f",
                  "\xc3\xa4",
                  "\xc2\x85",
                  "\xe2\x80\xa8",
                  "\xef\xbb\xbf",
                  "<<",
                  "y",
                  "a:",
                  "2001-01-01",
                  "C:\\models",
                  "=",
                  std::string(3, '\0'),
                  "---",
                  "...",
                  "a  b ",
                  "{{ x }}",
                  "Qwen/Qwen2-1.5B"};
  for (const std::string& text : values.texts) {
    values.text = text;
    EXPECT_EQ(round_trip(values).text, text);
  }
  for (const std::string& text : values.texts) values.pairs.emplace_back(text, text);
  const Values again = round_trip(values);
  EXPECT_EQ(again.texts, values.texts);
  // A plain `<<` is refused as a key, but not the quoted one that is written.
  EXPECT_EQ(again.pairs, values.pairs);
}

TEST(Resolved, NumbersSurviveBitForBit) {
  Values values;
  values.numbers = {0.0,
                    -0.0,
                    1.0,
                    1e6,
                    1e22,
                    123456789.0,
                    0.1,
                    2e-5,
                    1.0 / 3,
                    std::numeric_limits<double>::max(),
                    std::numeric_limits<double>::min(),
                    std::numeric_limits<double>::denorm_min()};
  std::mt19937_64 random(1);
  while (values.numbers.size() < 10000) {
    const double number = std::bit_cast<double>(random());
    if (std::isfinite(number)) values.numbers.push_back(number);
  }
  const Values again = round_trip(values);
  ASSERT_EQ(again.numbers.size(), values.numbers.size());
  for (size_t i = 0; i < values.numbers.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(again.numbers[i]),
              std::bit_cast<uint64_t>(values.numbers[i]));
  }
}

}  // namespace
}  // namespace distill::sample
