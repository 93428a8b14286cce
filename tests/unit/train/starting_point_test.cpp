// Where a run begins, and whether there is anything left of it.
#include "train/starting_point.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Start : public testing::Test {
 protected:
  static TrainerState state_of(int64_t step, int64_t without_gain = 0) {
    TrainerState state;
    state.step = step;
    state.best = {0.5, "eval_nll", 1, without_gain};
    return state;
  }
  static void save(CheckpointStore& store, int64_t step) {
    store.save(state_of(step), {{"tensor", at::zeros({2})}},
               [](const fs::path& folder) { write_file(folder / "model", "m"); });
  }
  fs::path final_model() const { return folder_.final_model(); }
  std::string checkpoint(int64_t step) const { return store_.folder(step).string(); }
  StartingPoint find(const std::string& resume) const {
    return find_starting_point(resume, folder_, store_);
  }
  bool finished(const std::string& resume, int64_t steps) const {
    return nothing_left(find(resume), train_, steps, folder_, store_);
  }

  Scratch scratch_;
  RunFolder folder_{scratch_ / "run"};
  CheckpointStore store_{scratch_ / "run"};
  TrainConfig train_;
};

TEST_F(Start, AFreshRunBeginsAtStep0AndRefusesAUsedFolder) {
  EXPECT_FALSE(find("").checkpoint);
  EXPECT_FALSE(find("auto").checkpoint);
  EXPECT_FALSE(finished("auto", 4));
  save(store_, 2);
  EXPECT_THROW(find(""), ConfigError);
}

TEST_F(Start, AutoIsTheNewestAndAnyOtherIsNamed) {
  save(store_, 2);
  save(store_, 4);
  EXPECT_EQ(find("auto").checkpoint->state.step, 4);
  const StartingPoint start = find(checkpoint(2) + "/");
  EXPECT_EQ(start.checkpoint->state, state_of(2));
  EXPECT_TRUE(start.named);
  EXPECT_FALSE(start.foreign);
  EXPECT_FALSE(find((scratch_ / "run/latest").string()).foreign);
}

TEST_F(Start, ANamedOneIsFoundBetweenTwoRenames) {
  save(store_, 2);
  fs::rename(checkpoint(2), checkpoint(2) + ".removed");
  EXPECT_EQ(find(checkpoint(2)).checkpoint->state.step, 2);
}

TEST_F(Start, AnotherRunsNeedsAFreshFolderAndLeavesItsBestBehind) {
  CheckpointStore other(scratch_ / "other");
  save(other, 2);
  const StartingPoint start = find(other.folder(2).string());
  EXPECT_TRUE(start.foreign);
  EXPECT_EQ(start.checkpoint->state.best, BestState());
  scratch_.file("run/checkpoint-9.partial/model", "half");
  EXPECT_THROW(find(other.folder(2).string()), ConfigError);
  EXPECT_TRUE(fs::exists(scratch_ / "run/checkpoint-9.partial/model"));
}

TEST_F(Start, NothingIsLeftOnceFinalIsOfTheLastStep) {
  save(store_, 2);
  save(store_, 4);
  EXPECT_FALSE(finished("auto", 4)) << "no final/";
  write_state(final_model(), state_of(4));
  EXPECT_TRUE(finished("auto", 4));
  EXPECT_TRUE(finished(checkpoint(4), 3));
  EXPECT_FALSE(finished("auto", 5));
  EXPECT_FALSE(finished(checkpoint(2), 2)) << "final/ is of step 4";
  save(store_, 6);
  EXPECT_FALSE(finished("auto", 4)) << "the run ends at step 6, and final/ is of step 4";
}

TEST_F(Start, AnEndWithoutACheckpointIsAnEnd) {
  train_.metric_for_best_model = "eval_nll";
  train_.early_stopping_patience = 2;
  write_state(final_model(), state_of(3, 2));
  EXPECT_TRUE(finished("auto", 50)) << "early stopping";
  train_.early_stopping_patience = 3;
  EXPECT_THROW(finished("auto", 50), CheckpointError) << "nothing to go on from";
  save(store_, 2);
  EXPECT_FALSE(finished("auto", 50));
  train_.early_stopping_patience = 2;
  testing::internal::CaptureStderr();
  EXPECT_TRUE(finished("auto", 50));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("nothing to do: early stopping ended the run at step 3; a larger "
                        "train.early_stopping_patience, or none, goes on from step 2"));
}

TEST_F(Start, AFinalModelThatSaysNothingIsOfTheNewestCheckpoint) {
  scratch_.file("run/final/model", "of an earlier version");
  EXPECT_TRUE(finished("auto", 4)) << "there is nothing to go on from";
  save(store_, 2);
  save(store_, 4);
  EXPECT_TRUE(finished("auto", 4));
  EXPECT_FALSE(finished("auto", 6));
  EXPECT_FALSE(finished(checkpoint(2), 2));
}

}  // namespace
}  // namespace distill
