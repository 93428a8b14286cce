// Where a run ends and what a resume makes of it: final/, signals, starting points that are not its
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/story_run.h"

namespace distill::integration {
namespace {

using testing::HasSubstr;

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
