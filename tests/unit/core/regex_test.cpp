#include "distill/core/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"

namespace distill {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Regex, IsFoundAnywhereUnlessAnchored) {
  const Regex plain("layers\\.[0-3]\\.");
  EXPECT_TRUE(plain.found_in("model.layers.3.mlp.up_proj.weight"));
  EXPECT_FALSE(plain.found_in("model.layers.13.mlp.up_proj.weight"));
  EXPECT_FALSE(Regex("^layers").found_in("model.layers.3"));
  EXPECT_TRUE(Regex("weight$").found_in("lm_head.weight"));
  EXPECT_TRUE(Regex("").found_in(""));
}

TEST(Regex, TakesLookaroundAndCharactersOfMoreThanOneByte) {
  EXPECT_FALSE(Regex("^(?!.*norm)").found_in("model.norm.weight"));
  EXPECT_TRUE(Regex("^.\\w$").found_in("\u00e9\u00e9"));
}

TEST(Regex, SaysWhatIsWrongAndAtWhichByte) {
  EXPECT_THAT(regex_problem("a(b"),
              AllOf(HasSubstr("'a(b'"), HasSubstr("byte 3"), HasSubstr("missing closing parenth")));
  EXPECT_THAT(regex_problem("a(b)"), IsEmpty());
  EXPECT_THROW(Regex("[z"), ConfigError);
}

TEST(Regex, ASearchThatRunsAwayIsAnError) {
  const Regex slow("^(a+)+$");
  EXPECT_THROW(slow.found_in(std::string(64, 'a') + "!"), ConfigError);
}

}  // namespace
}  // namespace distill
