// What a person reads before and after a run.
#include "distill/train/training_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

RunConfig config_of_length(int64_t max_length) {
  RunConfig config;
  config.data.max_length = max_length;
  config.train.logging_steps = 1;
  return config;
}

PlannedModel model_of_positions(int64_t positions) {
  PlannedModel model;
  model.config.max_positions = positions;
  return model;
}

TEST(PlanWarnings, DocumentsLongerThanTheModelsWereMadeFor) {
  ModelPlan plan;
  plan.teacher = model_of_positions(2048);
  plan.student = model_of_positions(1024);
  EXPECT_THAT(plan_warnings(config_of_length(1024), plan, 10), IsEmpty());
  EXPECT_THAT(
      plan_warnings(config_of_length(2048), plan, 10),
      ElementsAre("data.max_length is 2048, but the student was made for at most 1024 tokens "
                  "(max_position_embeddings)"));
  EXPECT_THAT(plan_warnings(config_of_length(4096), plan, 10),
              ElementsAre(HasSubstr("4096, but the teacher was made for at most 2048"),
                          HasSubstr("4096, but the student was made for at most 1024")));
}

TEST(PlanWarnings, IntervalsLongerThanTheRun) {
  RunConfig config = config_of_length(8);
  config.train.save_steps = 2;
  EXPECT_THAT(plan_warnings(config, {}, 1),
              ElementsAre("train.save_steps is 2, but the run has only 1 step"));
}

TEST(TotalSteps, AreThoseOfTheEpochsRoundedUp) {
  TrainConfig train;
  train.gradient_accumulation_steps = 8;
  EXPECT_EQ(total_steps(train, 3), 1);
  EXPECT_EQ(total_steps(train, 17), 3);
  train.num_epochs = 2.5;
  EXPECT_EQ(total_steps(train, 17), 8);
  train.gradient_accumulation_steps = 1;
  train.num_epochs = 1.1;  // times 50 is 55.00000000000001
  EXPECT_EQ(total_steps(train, 50), 55);
  train.max_steps = 7;
  EXPECT_EQ(total_steps(train, 50), 7);
}

TEST(DescribeSteps, SaysTheSizeOfTheLast) {
  TrainConfig train;
  train.gradient_accumulation_steps = 8;
  train.num_epochs = 2;
  EXPECT_EQ(describe_steps(train, 16), "4 (2 an epoch)");
  EXPECT_EQ(describe_steps(train, 17), "6 (3 an epoch, the last of each of 1 micro-batch)");
  EXPECT_EQ(describe_steps(train, 11), "4 (2 an epoch, the last of each of 3 micro-batches)");
}

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
