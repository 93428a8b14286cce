// What a person reads before a run.
#include "distill/train/run_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

LoadedConfig config_of_length(int64_t max_length) {
  LoadedConfig loaded;
  loaded.config.data.max_length = max_length;
  loaded.config.train.logging_steps = 1;
  return loaded;
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
  LoadedConfig loaded = config_of_length(8);
  loaded.config.train.save_steps = 2;
  EXPECT_THAT(plan_warnings(loaded, {}, 1),
              ElementsAre("train.save_steps is 2, but the run has only 1 step"));
}

TEST(PlanWarnings, SchedulesLongerThanTheRun) {
  const Scratch scratch;
  const auto path = scratch.file("run.yaml", R"(
student: {config: tiny}
data: {train: [{path: a.jsonl, format: text}]}
objective:
  - {type: cross_entropy, weight: {from: 1, to: 0.5, over: 11}}
  - {type: cross_entropy, name: late, weight: {from: 0, to: 1, over: 0.5, shape: step}}
lr_scheduler: {type: wsd, decay_steps: 12}
)");
  const LoadedConfig loaded = load_run_config(path, {});
  EXPECT_THAT(plan_warnings(loaded, {}, 12), IsEmpty());
  EXPECT_THAT(
      plan_warnings(loaded, {}, 10),
      UnorderedElementsAre("objective.0.weight.over is 11, but the run has only 10 steps",
                           "lr_scheduler.decay_steps is 12, but the run has only 10 steps"));
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
  RunConfig config;
  config.train.gradient_accumulation_steps = 8;
  config.train.num_epochs = 2;
  EXPECT_EQ(describe_steps(config, 16), "4 (2 an epoch)");
  EXPECT_EQ(describe_steps(config, 17), "6 (3 an epoch, the last of each of 1 micro-batch)");
  EXPECT_EQ(describe_steps(config, 11), "4 (2 an epoch, the last of each of 3 micro-batches)");
}

TEST(DescribeSteps, OfPackedEpochsAfterTheFirstIsAbout) {
  RunConfig config;
  config.data.packing = true;
  config.train.gradient_accumulation_steps = 8;
  EXPECT_EQ(describe_steps(config, 17), "3 (3 an epoch, the last of each of 1 micro-batch)");
  config.train.num_epochs = 2;
  EXPECT_EQ(describe_steps(config, 17), "6 (about 3 an epoch)");
  config.train.max_steps = 2;
  EXPECT_EQ(describe_steps(config, 17), "2 (3 an epoch, the last of each of 1 micro-batch)");
  config.train.max_steps = 4;
  EXPECT_EQ(describe_steps(config, 17), "4 (about 3 an epoch)");
}

}  // namespace
}  // namespace distill
