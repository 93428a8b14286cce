// optimizer.groups as a configuration gives them.
#include "distill/optim/parameter_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/optim/adamw.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

AdamWOptions read_options(const std::string& yaml) {
  AdamWOptions options;
  ConfigFile::parse(yaml, "groups.yaml").read([&](Section& section) { options.fields(section); });
  return options;
}

std::vector<std::string> problems_of(const std::string& yaml) {
  try {
    read_options(yaml);
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

TEST(ParameterGroupConfig, TakesTheOptimizersRateAndDecayUnlessItSaysOtherwise) {
  const AdamWOptions options = read_options(
      "groups:\n  - {match: embed_tokens}\n"
      "  - {match: 'layers\\.[0-3]\\.', lr_scale: 0.1, weight_decay: 0}\n");
  ASSERT_EQ(options.groups.size(), 2u);
  EXPECT_EQ(options.groups[0].lr_scale, 1.0);
  EXPECT_EQ(options.groups[0].weight_decay, std::nullopt);
  EXPECT_EQ(options.groups[1].match, "layers\\.[0-3]\\.");
  EXPECT_EQ(options.groups[1].lr_scale, 0.1);
  EXPECT_EQ(options.groups[1].weight_decay, 0.0);
}

TEST(ParameterGroupConfig, RefusesAWrongPatternAtItsPlaceInPcresWords) {
  EXPECT_THAT(problems_of("groups:\n  - {match: 'layers\\.(0'}\n"),
              ElementsAre("groups.yaml:2:13: groups.0.match: the regular expression 'layers\\.(0' "
                          "is wrong at byte 10: missing closing parenthesis"));
}

TEST(ParameterGroupConfig, RefusesARateOfZeroAndANegativeDecay) {
  EXPECT_THAT(problems_of("groups: [{match: a, lr_scale: 0, weight_decay: -1}]"),
              ElementsAre(HasSubstr("groups.0.lr_scale: must be > 0, found 0"),
                          HasSubstr("groups.0.weight_decay: must be >= 0, found -1")));
  EXPECT_THAT(problems_of("groups: [{lr_scale: 2}]"),
              ElementsAre(HasSubstr("groups.0.match: missing required key")));
}

}  // namespace
}  // namespace distill
