// A run folder after a kill in the middle of a save or a removal.
#include "train/interrupted_saves.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/files.h"
#include "distill/train/checkpoint.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class Leftovers : public testing::Test {
 protected:
  fs::path run() const { return scratch_ / "run"; }
  void save(int64_t step, const std::string& model) {
    TrainerState state;
    state.step = step;
    store_.save(state, {{"tensor", at::zeros({2})}},
                [&](const fs::path& folder) { write_file(folder / "model", model); });
  }
  void rename(const std::string& from, const std::string& to) const {
    fs::rename(run() / from, run() / to);
  }

  Scratch scratch_;
  CheckpointStore store_{scratch_ / "run"};
};

TEST_F(Leftovers, AReplacedCheckpointIsFoundBetweenTheTwoRenames) {
  save(4, "old");
  rename("checkpoint-4", "checkpoint-4.removed");
  put_back_whole(run());
  EXPECT_EQ(store_.newest_whole(), run() / "checkpoint-4");
  EXPECT_FALSE(fs::exists(run() / "checkpoint-4.removed"));
}

TEST_F(Leftovers, OfTwoThatAreWholeTheNewOneIsTaken) {
  save(4, "old");
  rename("checkpoint-4", "old");
  save(4, "new");
  rename("checkpoint-4", "checkpoint-4.partial");
  rename("old", "checkpoint-4.removed");
  put_back_whole(run());
  EXPECT_EQ(read_file(run() / "checkpoint-4/model"), "new");
  sweep_leftovers(run());
  EXPECT_FALSE(fs::exists(run() / "checkpoint-4.removed"));
  EXPECT_THAT(store_.steps(), ElementsAre(4));
}

TEST_F(Leftovers, TheOldOneIsTakenWhereTheNewOneIsCut) {
  save(4, "old");
  rename("checkpoint-4", "checkpoint-4.removed");
  scratch_.file("run/checkpoint-4.partial/model", "cut");
  put_back_whole(run());
  EXPECT_EQ(read_file(run() / "checkpoint-4/model"), "old");
}

TEST_F(Leftovers, ANameThatIsTakenIsLeft) {
  save(4, "old");
  rename("checkpoint-4", "checkpoint-4.removed");
  save(4, "new");
  put_back_whole(run());
  EXPECT_EQ(read_file(run() / "checkpoint-4/model"), "new");
}

TEST_F(Leftovers, TheFinalModelIsPutBackToo) {
  scratch_.file("run/final.removed/model", "whole");
  scratch_.file("run/final.partial/model", "cut");
  put_back_whole(run());
  EXPECT_EQ(read_file(run() / "final/model"), "whole");
  sweep_leftovers(run());
  EXPECT_FALSE(fs::exists(run() / "final.partial"));
}

TEST_F(Leftovers, WhatIsNotWholeIsSweptAway) {
  save(2, "m");
  scratch_.file("run/checkpoint-4.partial/model", "half");
  scratch_.file("run/checkpoint-1.removed/model", "old");
  scratch_.file("run/checkpoint-3.abandoned/model", "kept");
  scratch_.file("run/notes.partial/text", "not ours");
  put_back_whole(run());
  sweep_leftovers(run());
  EXPECT_THAT(store_.steps(), ElementsAre(2));
  EXPECT_FALSE(fs::exists(run() / "checkpoint-4.partial"));
  EXPECT_FALSE(fs::exists(run() / "checkpoint-1.removed"));
  EXPECT_TRUE(fs::exists(run() / "checkpoint-3.abandoned"));
  EXPECT_TRUE(fs::exists(run() / "notes.partial"));
}

}  // namespace
}  // namespace distill
