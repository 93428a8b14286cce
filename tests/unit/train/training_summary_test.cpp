// What a person reads after a run.
#include "distill/train/training_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace distill {
namespace {

using testing::HasSubstr;
using testing::Not;

TrainingSummary summary_of(int64_t first_step, int64_t last_step) {
  TrainingSummary summary;
  summary.first_step = first_step;
  summary.last_step = last_step;
  summary.tokens = 500;
  summary.seconds = 2.0;
  summary.tokens_per_second = 250.0;
  summary.first_loss = 3.0;
  summary.last_loss = 2.0;
  return summary;
}

TEST(Summary, NamesTheStepsOfItsColumns) {
  EXPECT_EQ(format_summary(summary_of(1, 20), "runs/x"),
            "                                     step 1      step 20\n"
            "  training loss                      3.0000       2.0000\n"
            "  20 steps, 500 tokens in 2.0 s, 250 tokens/s; the model is in runs/x/final\n");
}

TEST(Summary, AfterAResumeIsOfThisProcess) {
  const std::string table = format_summary(summary_of(11, 20), "runs/x");
  EXPECT_THAT(table, HasSubstr("step 11      step 20\n"));
  EXPECT_THAT(table, HasSubstr("  10 steps after step 10, 500 tokens in 2.0 s, 250 tokens/s;"));
}

TEST(Summary, WithoutAStepHasNoTrainingLoss) {
  const std::string table = format_summary(summary_of(21, 20), "runs/x");
  EXPECT_THAT(table, Not(HasSubstr("training loss")));
  EXPECT_THAT(table, HasSubstr("  0 steps after step 20, "));
}

}  // namespace
}  // namespace distill
