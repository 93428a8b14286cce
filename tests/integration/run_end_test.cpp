// Where a run ends and what a resume makes of it: final/, signals, starting points that are not its
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/story_run.h"

namespace distill::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kOneEpoch = 0;

class RunEnd : public testing::Test {
 protected:
  /// `from`: "", "auto" or a checkpoint in the scratch folder.
  std::vector<std::string> arguments(int count, const std::vector<std::string>& more = {},
                                     const std::string& from = "",
                                     const std::string& folder = "run") const {
    std::vector<std::string> all = train(config_, scratch_ / folder, more);
    all.push_back("train.max_steps=" + (count == kOneEpoch ? "null" : std::to_string(count)));
    if (!from.empty()) all.insert(all.end(), {"--resume", path_of(from)});
    return all;
  }
  Result steps(int count, const std::vector<std::string>& more = {}, const std::string& from = "",
               const std::string& folder = "run") const {
    return run(arguments(count, more, from, folder));
  }
  std::string path_of(const std::string& from) const {
    return from == "auto" ? from : (scratch_ / from).string();
  }
  std::string weights(const std::string& folder) const {
    return slurp(scratch_ / folder / "model.safetensors");
  }
  bool exists(const std::string& path) const { return fs::exists(scratch_ / path); }
  size_t events() const { return losses(scratch_ / "run").size(); }

  Scratch scratch_;
  std::string config_ = story_run(scratch_);
};

TEST_F(RunEnd, ABranchThatWasLeftGoesOnInAFreshFolder) {
  ASSERT_EQ(steps(4, {"train.save_steps=2"}).exit_code, 0);
  const std::string left = weights("run/final");
  ASSERT_EQ(steps(4, {"optimizer.learning_rate=1.0e-4"}, "run/checkpoint-2").exit_code, 0);
  EXPECT_NE(weights("run/final"), left);
  const Result fresh = steps(4, {}, "run/checkpoint-4.abandoned", "fresh");
  ASSERT_EQ(fresh.exit_code, 0) << fresh.err;
  EXPECT_EQ(weights("fresh/final"), left);
  EXPECT_EQ(weights("fresh/checkpoint-4"), left);
}

TEST_F(RunEnd, AFinalModelOfALaterStepIsSetAside) {
  ASSERT_EQ(steps(4, {"train.save_steps=2"}).exit_code, 0);
  const std::string fourth = weights("run/final");
  fs::remove_all(scratch_ / "run/checkpoint-4");
  const Result on = steps(3, {"optimizer.learning_rate=1.0e-4"}, "run/checkpoint-2");
  ASSERT_EQ(on.exit_code, 0) << on.err;
  EXPECT_THAT(on.err, HasSubstr("goes on from step 2; what came after it is kept as "
                                "final.abandoned, events.jsonl.abandoned"));
  EXPECT_EQ(weights("run/final.abandoned"), fourth);
  EXPECT_EQ(weights("run/final"), weights("run/checkpoint-3"));
  EXPECT_EQ(events(), 4U);  // with an evaluation
}

TEST_F(RunEnd, TheFinalModelIsThatOfTheStepAtWhichTheRunEnds) {
  ASSERT_EQ(steps(4, {"train.save_steps=2"}).exit_code, 0);
  const Result shorter = steps(2, {}, "run/checkpoint-2");
  ASSERT_EQ(shorter.exit_code, 0) << shorter.err;
  EXPECT_THAT(shorter.err, Not(HasSubstr("nothing to do")));
  EXPECT_EQ(weights("run/final"), weights("run/checkpoint-2"));
  EXPECT_TRUE(exists("run/checkpoint-4.abandoned"));
  EXPECT_EQ(events(), 2U);
  const auto before = contents(scratch_ / "run");
  for (const std::string from : {"auto", "run/checkpoint-2"}) {
    const Result again = steps(2, {}, from);
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_THAT(again.err, HasSubstr("nothing to do: the run was finished at step 2; "));
  }
  EXPECT_EQ(contents(scratch_ / "run"), before);
}

TEST_F(RunEnd, ARunWhoseLastStepIsNotSavedIsFinishedAllTheSame) {
  const std::vector<std::string> unsaved = {"train.save_last=false", "train.save_steps=2"};
  ASSERT_EQ(steps(3, unsaved).exit_code, 0);
  EXPECT_FALSE(exists("run/checkpoint-3"));
  const auto before = contents(scratch_ / "run");
  const Result again = steps(3, unsaved, "auto");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err,
              HasSubstr("nothing to do: the run was finished at step 3; a larger train.max_steps "
                        "or train.num_epochs goes on from step 2"));
  EXPECT_EQ(contents(scratch_ / "run"), before);
  const Result longer = steps(5, unsaved, "auto");
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_THAT(longer.err, HasSubstr("goes on from step 2; what came after it is kept as "
                                    "final.abandoned, events.jsonl.abandoned"));
  EXPECT_EQ(events(), 6U);  // with an evaluation
}

TEST_F(RunEnd, WithoutAnyCheckpointAFinishedRunCannotBeMadeLonger) {
  const std::vector<std::string> unsaved = {"train.save_last=false", "train.save_steps=0"};
  ASSERT_EQ(steps(2, unsaved).exit_code, 0);
  const auto before = contents(scratch_ / "run");
  const Result again = steps(2, unsaved, "auto");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("nothing to do: the run was finished at step 2; it has no "
                                   "checkpoint to go on from"));
  const Result longer = steps(3, unsaved, "auto");
  EXPECT_EQ(longer.exit_code, 1);
  EXPECT_THAT(longer.err, HasSubstr("final is of step 2, and the run has no checkpoint to go on "
                                    "from (see train.save_last)"));
  EXPECT_EQ(contents(scratch_ / "run"), before);
}

TEST_F(RunEnd, TheLastEvaluationIsMadeUpForBeforeTheRunIsFinished) {
  const std::vector<std::string> long_evaluation = {"data.test_size=0.9", "data.eval_limit=null"};
  const Process process(arguments(2, long_evaluation));
  wait_for(scratch_ / "run/checkpoint-1");
  std::string logged;
  for (int i = 0; i < 6000 && logged.find("\"step\":2,") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    logged = slurp(scratch_ / "run/events.jsonl");
  }
  process.signal(SIGTERM);
  const Result cut = process.wait();
  ASSERT_EQ(cut.exit_code, 128 + SIGTERM) << cut.err;
  EXPECT_FALSE(exists("run/final"));
  EXPECT_EQ(events(), 2U);
  const Result resumed = steps(2, long_evaluation, "auto");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(events(), 3U);  // with the evaluation
  EXPECT_TRUE(exists("run/final"));
  const auto before = contents(scratch_ / "run");
  EXPECT_THAT(steps(2, long_evaluation, "auto").err, HasSubstr("nothing to do"));
  EXPECT_EQ(contents(scratch_ / "run"), before);
}

TEST_F(RunEnd, NoBestOfAnotherMetricStays) {
  ASSERT_EQ(steps(2, {"train.eval_steps=2", "train.metric_for_best_model=eval_nll"}).exit_code, 0);
  EXPECT_TRUE(exists("run/best"));
  const Result other =
      steps(3, {"train.eval_steps=100", "train.metric_for_best_model=eval_agreement"}, "auto");
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(fs::read_symlink(scratch_ / "run/best"), "checkpoint-3");  // evaluated at the end
  const Result none = steps(4, {}, "auto");
  ASSERT_EQ(none.exit_code, 0) << none.err;
  EXPECT_THAT(none.err, HasSubstr("is now not set and was eval_agreement: the best is forgotten"));
  EXPECT_FALSE(fs::is_symlink(scratch_ / "run/best"));
}

TEST_F(RunEnd, ARefusalSweepsNothing) {
  ASSERT_EQ(steps(2).exit_code, 0);
  scratch_.write("run/checkpoint-9.partial/model.safetensors", "half");
  const auto before = contents(scratch_ / "run");
  EXPECT_EQ(steps(2).exit_code, 2);
  EXPECT_EQ(contents(scratch_ / "run"), before);
  EXPECT_EQ(steps(3, {"data.max_length=64"}, "auto").exit_code, 1);
  EXPECT_EQ(contents(scratch_ / "run"), before);
  EXPECT_EQ(steps(3, {}, "auto").exit_code, 0);
  EXPECT_FALSE(exists("run/checkpoint-9.partial"));
}

}  // namespace
}  // namespace distill::integration
