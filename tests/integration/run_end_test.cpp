// Where a run ends and what a resume makes of it: final/, signals, starting points that are not its
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/story_run.h"

namespace distill::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kEndless = 100000;
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

/// Whether a stopped run advised a command that ends so.
bool advises(const Result& result, const std::string& end) {
  return result.err.find("go on with: distill train --config ") != std::string::npos &&
         result.err.find(end + "\nstopped by ") != std::string::npos;
}

// So many records that they are being read for longer than a test needs to send a signal.
class Preparing : public RunEnd {
 protected:
  void SetUp() override {
    std::string many;
    for (int i = 0; i < 150; ++i) many += slurp(kSource / kStories);
    data_ = {"data.token_cache=false",
             "data.train.0.path=" + scratch_.write("many.jsonl", many).string()};
  }
  Result stopped(const std::string& from) const {
    fs::remove(scratch_ / "run/.lock");
    const Process process(arguments(kOneEpoch, data_, from));
    wait_for(scratch_ / "run/.lock");
    process.signal(SIGTERM);
    return process.wait();
  }

  std::vector<std::string> data_;
};

TEST_F(Preparing, AFreshRunThatIsStoppedBeginsAgain) {
  const Result result = stopped("");
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
  EXPECT_TRUE(advises(result, " train.max_steps=null")) << result.err;
  EXPECT_TRUE(contents(scratch_ / "run").empty());
}

TEST_F(Preparing, AStoppedResumeIsAdvisedAsItWasGiven) {
  ASSERT_EQ(steps(2, data_).exit_code, 0);
  const auto before = contents(scratch_ / "run");
  for (const std::string from : {"run/checkpoint-1", "auto"}) {
    const Result result = stopped(from);
    EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
    EXPECT_TRUE(advises(result, " --resume " + path_of(from))) << result.err;
    EXPECT_EQ(contents(scratch_ / "run"), before);
  }
}

TEST_F(RunEnd, ASignalDuringANamedResumeSavesAndAdvisesAuto) {
  ASSERT_EQ(steps(4, {"train.save_steps=2"}).exit_code, 0);
  const Process process(arguments(kEndless, {"train.save_steps=0"}, "run/checkpoint-2"));
  wait_for(scratch_ / "run/checkpoint-4.abandoned");
  process.signal(SIGINT);
  const Result result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGINT) << result.err;
  EXPECT_TRUE(advises(result, " --resume auto")) << result.err;
  EXPECT_TRUE(exists("run/latest/trainer/manifest.json"));
  EXPECT_TRUE(exists("run/final.abandoned"));
}

TEST_F(RunEnd, AnotherRunsCheckpointIsKeptBeforeTheFirstStep) {
  ASSERT_EQ(steps(2, {}, "", "other").exit_code, 0);
  {
    const Process process(arguments(kEndless, {"train.save_steps=0"}, "other/checkpoint-2"));
    wait_for(scratch_ / "run/config.yaml");
    process.signal(SIGKILL);
    process.wait();
  }
  EXPECT_EQ(weights("run/checkpoint-2"), weights("other/checkpoint-2"));
  const Result on = steps(3, {}, "auto");
  ASSERT_EQ(on.exit_code, 0) << on.err;
  EXPECT_THAT(on.err, HasSubstr("resumed from " + (scratch_ / "run/checkpoint-2").string()));
  ASSERT_EQ(steps(3, {}, "auto", "other").exit_code, 0);
  EXPECT_EQ(weights("run/final"), weights("other/final"));
}

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

// Nothing is left to stop then; an evaluation would be.
TEST_F(RunEnd, ASignalInTheLastStepLetsTheRunFinish) {
  const Process process(arguments(1, {"data.test_size=0", "train.gradient_accumulation_steps=30"}));
  wait_for(scratch_ / "run/events.jsonl");
  process.signal(SIGTERM);
  const Result result = process.wait();
  EXPECT_THAT(result.err, HasSubstr("SIGTERM, signal 15: finishing the step"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(weights("run/final"), weights("run/checkpoint-1"));
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
