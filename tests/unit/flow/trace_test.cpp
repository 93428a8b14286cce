#include "distill/flow/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace distill {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(UnmetNeeds, AreNamed) {
  Needs needs;
  needs.teacher_logits = true;
  needs.teacher_top_k = 64;
  needs.teacher_sample = true;
  needs.teacher_taps = {{Tap::Kind::kHidden, 3}};
  EXPECT_THAT(unmet_needs(needs, {}),
              ElementsAre("all its logits", "its 64 most likely tokens a row",
                          "a sample of its tokens a row", "the hidden state of layer 3"));
  EXPECT_THAT(unmet_needs({}, {}), IsEmpty());
}

TEST(UnmetNeeds, NameEveryKindOfTap) {
  Needs needs;
  needs.teacher_taps = {{Tap::Kind::kValue, 0}, {Tap::Kind::kQuery, 2}, {Tap::Kind::kKey, 1}};
  EXPECT_THAT(unmet_needs(needs, {.taps = {{{Tap::Kind::kKey, 1}, {2, 8}}}}),
              ElementsAre("the queries of layer 2", "the values of layer 0"));
}

TEST(UnmetNeeds, AllLogitsAreAsGoodAsAFew) {
  const Needs few{.teacher_top_k = 64}, sample{.teacher_sample = true};
  EXPECT_THAT(unmet_needs(few, {.logits = true}), IsEmpty());
  EXPECT_THAT(unmet_needs(sample, {.logits = true}), IsEmpty());
  EXPECT_THAT(unmet_needs(few, {.top_k = 100}), IsEmpty());
  EXPECT_THAT(unmet_needs(few, {.top_k = 50}), ElementsAre("its 64 most likely tokens a row"));
  EXPECT_THAT(unmet_needs({.teacher_logits = true}, {.top_k = 100}), ElementsAre("all its logits"));
}

}  // namespace
}  // namespace distill
