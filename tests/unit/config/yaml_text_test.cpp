#include "distill/config/yaml_text.h"

#include <gmock/gmock.h>

#include "distill/core/error.h"

namespace distill {
namespace {

TEST(YamlText, KeepsScalarsAsTheyStand) {
  EXPECT_EQ(yaml_to_json("a: [1, 0.50, yes, 'x\\y', \"q\\\"\\n\"]\nb: {c: , d: [], e: {}}", "f"),
            R"({"a":["1","0.50","yes","x\\y","q\"\u000a"],"b":{"c":null,"d":[],"e":{}}})");
  EXPECT_EQ(yaml_to_json("- data/train-*", "f"), R"(["data/train-*"])");
}

TEST(YamlText, NamesThePlaceOfAProblem) {
  try {
    yaml_to_json("\n\na: 1\na: 2", "README.md");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("README.md:4:1: "));
  }
}

}  // namespace
}  // namespace distill
