// YAML itself: syntax, files, and the parts of the language that a configuration may not use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "distill/core/files.h"
#include "sample_config.h"

namespace distill::sample {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Yaml, Syntax) {
  EXPECT_THAT(problems_of("run: {output_dir: o\n"),
              ElementsAre("f.yaml:1:6: not valid YAML: end of map flow not found"));
  EXPECT_THAT(problems_of("run:\n  output_dir: o\n seed: 3\n"),
              ElementsAre("f.yaml:3:2: not valid YAML: end of map not found"));
  EXPECT_THAT(problems_of("run:\n  output_dir: o\ndata\ntrain: {}\n"),
              ElementsAre("f.yaml:4:6: not valid YAML: illegal map value"));
  EXPECT_THAT(problems_of("run: {output_dir: 'o}\n"),
              ElementsAre("f.yaml:1:6: not valid YAML: end of map flow not found"));
  EXPECT_THAT(problems_of("a: b: c"), ElementsAre("f.yaml:1:5: not valid YAML: illegal map value"));
  EXPECT_THAT(problems_of("run:\n  seed: *x\n"),
              ElementsAre("f.yaml:2:9: not valid YAML: the referenced anchor is not defined"));
  EXPECT_THAT(problems_of("run:\n\tseed: 1\n"),
              ElementsAre("f.yaml:2:1: not valid YAML: a tab indents this line; use spaces"));
  EXPECT_THAT(problems_of("run:\n  seed: 1\n\tdtype: 2\n"),
              ElementsAre("f.yaml:3:1: not valid YAML: a tab indents this line; use spaces"));
}

TEST(Yaml, SyntaxErrorsAreThrownOnLoading) {
  EXPECT_THROW(ConfigFile::parse("a: [", "f"), ConfigError);
}

TEST(Yaml, TextThatIsNoText) {
  EXPECT_THAT(problems_of("a: 1\nb: \xff\n"), ElementsAre("f.yaml:2:4: not UTF-8 text: byte 0xff"));
  EXPECT_THAT(problems_of("a: \xed\xa0\x80"), ElementsAre("f.yaml:1:4: not UTF-8 text: byte 0xed"));
  EXPECT_THAT(problems_of("a: \xc3"), ElementsAre("f.yaml:1:4: not UTF-8 text: byte 0xc3"));
  // yaml-cpp takes the byte 4 for the end of the file.
  EXPECT_THAT(problems_of("a: 1\x04\nb: 2"),
              ElementsAre("f.yaml:1:5: not valid YAML: control character 0x04"));
  EXPECT_THAT(problems_of(std::string("a: 1\0", 5)),
              ElementsAre("f.yaml:1:5: not valid YAML: control character 0x00"));
  EXPECT_THAT(
      problems_of("\xef\xbb\xbfrun: {output_dir: \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80}\r\n"),
      IsEmpty());
}

TEST(Yaml, TheRootIsAMapping) {
  const char* empty = "f.yaml: the file is empty, expected a mapping of keys";
  EXPECT_THAT(problems_of(""), ElementsAre(empty));
  EXPECT_THAT(problems_of("# nothing\n"), ElementsAre(empty));
  EXPECT_THAT(problems_of("- a\n"),
              ElementsAre("f.yaml:1:1: expected a mapping of keys, found a list"));
  EXPECT_THAT(problems_of("hello"),
              ElementsAre("f.yaml:1:1: expected a mapping of keys, found 'hello'"));
}

TEST(Yaml, OneDocument) {
  EXPECT_THAT(problems_of("---\nrun: {output_dir: o}\n...\n"), IsEmpty());
  EXPECT_THAT(problems_of("run: {output_dir: o}\n---\nrun: {}\n"),
              ElementsAre("f.yaml:2:1: a second document starts here; one is read"));
}

TEST(Yaml, Keys) {
  EXPECT_THAT(problems_after_run("data:\n  packing: true\n  'packing': false\n"),
              ElementsAre("f.yaml:4:3: data.packing: duplicate key, first on line 3"));
  EXPECT_THAT(problems_after_run("data:\n  <<: {packing: true}\n"),
              ElementsAre("f.yaml:3:3: data: merge keys ('<<') are not supported; write the keys "
                          "out, or name a whole value with an anchor"));
  EXPECT_THAT(problems_after_run("data: {? [a] : 1}\n"),
              ElementsAre("f.yaml:2:10: data: a key must be a name, found a list"));
  EXPECT_THAT(problems_after_run("data: {train: [{path: x, ~: 1}]}\n"),
              ElementsAre("f.yaml:2:26: data.train.0: a key must be a name, found null"));
  EXPECT_THAT(problems_after_run("'<<': 1"), ElementsAre("f.yaml:2:1: <<: unknown key"));
}

TEST(Yaml, Tags) {
  EXPECT_THAT(problems_after_run("data: {packing: !!bool true, tags: !set [a]}\n"),
              ElementsAre("f.yaml:2:17: data.packing: tags are not supported, found "
                          "'tag:yaml.org,2002:bool'",
                          "f.yaml:2:36: data.tags: tags are not supported, found '!set'"));
}

TEST(Yaml, AliasesAreCopies) {
  const std::string text =
      "data:\n"
      "  train:\n"
      "    - &first {path: a, limit: 3}\n"
      "    - *first\n";
  const Config config = read(text, {"data.train.1.limit=4"});
  EXPECT_EQ(config.data.train[0].limit, 3);
  EXPECT_EQ(config.data.train[1].limit, 4);
  EXPECT_EQ(config.data.train[1].path, "a");
}

TEST(Yaml, AliasesToThemselves) {
  EXPECT_THAT(problems_after_run("data: {tags: &x [a, *x]}\n"),
              ElementsAre("f.yaml:2:21: data.tags.1: the alias stands inside the value that it "
                          "names"));
  EXPECT_THAT(problems_after_run("data: &x {train: [*x]}\n"),
              ElementsAre("f.yaml:2:19: data.train.0: the alias stands inside the value that it "
                          "names"));
}

TEST(Yaml, AliasesThatMultiply) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 1; k < 10; ++k) text += ", " + last;
    text += "]\n";
  }
  const std::vector<std::string> problems = problems_of(text);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems[0], HasSubstr("the aliases expand to too many values"));
}

TEST(Yaml, Depth) {
  const auto nested = [](size_t depth) {
    return "data: {tags: " + std::string(depth, '[') + std::string(depth, ']') + "}\n";
  };
  EXPECT_THAT(problems_after_run(nested(62)),
              ElementsAre("f.yaml:2:15: data.tags.0: expected a string, found a list"));
  const std::vector<std::string> problems = problems_after_run(nested(63));
  EXPECT_THAT(problems, ElementsAre("f.yaml:2:76: nested deeper than 64 levels"));
  EXPECT_EQ(problems_after_run(nested(100000)), problems);
  EXPECT_EQ(problems_after_run("data: " + std::string(100000, '[')).size(), 1u);
  std::string blocks;
  for (size_t i = 0; i < 1000; ++i) blocks += std::string(i, ' ') + "a:\n";
  EXPECT_EQ(problems_after_run(blocks).size(), 1u);
  EXPECT_EQ(problems_after_run("a: " + std::string(100000, '{')).size(), 1u);
}

class Files : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("distill_config_" + std::to_string(::getpid()));
};

TEST_F(Files, AreReadAndNamed) {
  make_directories(folder_);
  const std::filesystem::path path = folder_ / "c.yaml";
  write_file(path, "run: {output_dir: o, sed: 3}\n");
  Config config;
  try {
    ConfigFile::load(path).read(config.visitor());
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.problems(),
                ElementsAre(path.string() + ":1:22: run.sed: unknown key; did you mean 'seed'?"));
  }
}

TEST_F(Files, ThatCannotBeRead) {
  make_directories(folder_);
  try {
    ConfigFile::load(folder_ / "none.yaml");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("none.yaml: cannot be opened: No such file"));
  }
  EXPECT_THROW(ConfigFile::load(folder_), ConfigError);
  write_file(folder_ / "big", std::string((4 << 20) + 1, ' '));
  try {
    ConfigFile::load(folder_ / "big");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.what(), (folder_ / "big").string() +
                                ": is no configuration: 4194305 bytes, expected at most 4194304");
  }
}

}  // namespace
}  // namespace distill::sample
