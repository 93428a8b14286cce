// Which checkpoints a run folder holds after saves, kills and resumes.
#include <ATen/ATen.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/train/checkpoint.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TrainerState state_of(int64_t step) {
  TrainerState state;
  state.step = step;
  return state;
}

class Checkpoints : public testing::Test {
 protected:
  fs::path run() const { return scratch_ / "run"; }
  fs::path link(const std::string& name) const {
    return fs::is_symlink(run() / name) ? fs::read_symlink(run() / name) : fs::path();
  }

  static void save(CheckpointStore& store, const TrainerState& state,
                   const std::string& model = "m") {
    store.save(state, {{"tensor", at::full({2}, state.step, at::kFloat)}},
               [&](const fs::path& folder) { write_file(folder / "model", model); });
  }
  void save(const std::vector<int64_t>& steps) {
    CheckpointStore store(run());
    for (const int64_t step : steps) save(store, state_of(step));
  }

  Scratch scratch_;
};

TEST_F(Checkpoints, LatestFollowsTheSaves) {
  save({2, 10, 4});
  const CheckpointStore store(run());
  EXPECT_THAT(store.steps(), ElementsAre(2, 4, 10));
  EXPECT_EQ(link("latest"), "checkpoint-4");
  EXPECT_EQ(load_checkpoint(store.folder(10)).state, state_of(10));
}

TEST_F(Checkpoints, TheSameStateIsNotWrittenTwiceAndAnotherOneReplacesIt) {
  CheckpointStore store(run());
  save(store, state_of(3), "first");
  save(store, state_of(3), "second");
  EXPECT_EQ(read_file(store.folder(3) / "model"), "first");
  TrainerState evaluated = state_of(3);
  evaluated.best = {0.5, "eval_nll", 3, 0};
  save(store, evaluated, "third");
  EXPECT_EQ(read_file(store.folder(3) / "model"), "third");
  EXPECT_EQ(load_checkpoint(store.folder(3)).state, evaluated);
  EXPECT_THAT(store.steps(), ElementsAre(3));
}

TEST_F(Checkpoints, ASaveThatFailsLeavesNothingAndWhatWasThere) {
  CheckpointStore store(run());
  save(store, state_of(3), "first");
  TrainerState other = state_of(3);
  other.tokens = 1;
  const auto fail = [](const fs::path&) { throw DataError("disk full"); };
  EXPECT_THROW(store.save(other, {}, fail), CheckpointError);
  EXPECT_EQ(read_file(store.folder(3) / "model"), "first");
  EXPECT_THROW(store.save(state_of(4), {}, fail), CheckpointError);
  EXPECT_FALSE(fs::exists(store.folder(4)));
  EXPECT_EQ(std::distance(fs::directory_iterator(run()), {}), 2);  // with latest
}

TEST_F(Checkpoints, TheNewestWholeOneIsFoundWhateverLatestSays) {
  save({2, 4});
  fs::remove(run() / "latest");
  EXPECT_EQ(CheckpointStore(run()).newest_whole(), run() / "checkpoint-4");
  fs::create_directory_symlink("checkpoint-9", run() / "latest");
  EXPECT_EQ(CheckpointStore(run()).newest_whole(), run() / "checkpoint-4");
  write_file(run() / "checkpoint-4" / "model", "cut");
  EXPECT_EQ(CheckpointStore(run()).newest_whole(), run() / "checkpoint-2");
  fs::remove(run() / "checkpoint-2" / "trainer" / "manifest.json");
  EXPECT_THROW(CheckpointStore(run()).newest_whole(), CheckpointError);
  EXPECT_THAT(CheckpointStore(scratch_ / "other").newest_whole().string(), IsEmpty());
}

TEST_F(Checkpoints, GoingOnFromAnEarlierOneSetsTheLaterOnesAside) {
  save({2, 4, 6});
  write_state(run() / "final", state_of(6));
  scratch_.file("run/events.jsonl", "six lines");
  CheckpointStore store(run());
  store.mark_best(4);
  store.continue_from(state_of(2));
  EXPECT_THAT(store.steps(), ElementsAre(2));
  EXPECT_EQ(link("latest"), "checkpoint-2");
  EXPECT_EQ(link("best"), "");
  EXPECT_EQ(load_checkpoint(run() / "checkpoint-4.abandoned").state.step, 4);
  EXPECT_EQ(read_state(run() / "final.abandoned"), state_of(6));
  EXPECT_EQ(read_file(run() / "events.jsonl.abandoned"), "six lines");
  EXPECT_TRUE(fs::exists(run() / "events.jsonl"));
  save(store, state_of(4), "of the new branch");
  EXPECT_EQ(read_file(store.folder(4) / "model"), "of the new branch");
  EXPECT_EQ(CheckpointStore(run()).newest_whole(), run() / "checkpoint-4");
  store.continue_from(state_of(2));
  EXPECT_TRUE(fs::exists(run() / "checkpoint-4.abandoned-2"));
}

TEST_F(Checkpoints, GoingOnFromTheNewestOneKeepsAllAndMendsTheLinks) {
  save({2, 4});
  scratch_.file("run/final/model", "of an earlier version, which did not say its step");
  CheckpointStore store(run());
  // A kill between saving 4, the best so far, and marking it.
  store.mark_best(2);
  TrainerState state = state_of(4);
  state.best = {0.25, "eval_nll", 4, 0};
  store.continue_from(state);
  EXPECT_EQ(link("best"), "checkpoint-4");
  EXPECT_THAT(store.steps(), ElementsAre(2, 4));
  EXPECT_TRUE(fs::exists(run() / "final"));
}

TEST_F(Checkpoints, PruningKeepsLatestBestAndWhatCannotBeRemoved) {
  save({1, 2, 3, 4});
  CheckpointStore store(run());
  store.mark_best(1);
  store.prune(2);
  EXPECT_THAT(store.steps(), ElementsAre(1, 4));
  save({5, 6});
  // A mount point, a folder that is not ours: here a name that is taken.
  scratch_.file("run/checkpoint-4.removed/file", "");
  fs::permissions(run() / "checkpoint-4.removed", fs::perms::none);
  store.prune(2);
  fs::permissions(run() / "checkpoint-4.removed", fs::perms::owner_all);
  EXPECT_THAT(load_checkpoint(store.folder(4)).state.step, 4);
  EXPECT_THAT(store.steps(), ElementsAre(1, 4, 6));
  save({7});
  store.prune(2);
  EXPECT_THAT(store.steps(), ElementsAre(1, 4, 7));
}

TEST_F(Checkpoints, OneThatWasRemovedHalfwayCountsNoMore) {
  save({1, 2, 3, 4, 5});
  const fs::path stuck = run() / "checkpoint-1/model";
  const int file = ::open(stuck.c_str(), O_RDONLY);
  const int immutable = FS_IMMUTABLE_FL, none = 0;
  if (::ioctl(file, FS_IOC_SETFLAGS, &immutable) != 0) {
    ::close(file);
    GTEST_SKIP() << "this user cannot make a file here that cannot be removed";
  }
  CheckpointStore store(run());
  testing::internal::CaptureStderr();
  store.prune(3);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(store.steps(), ElementsAre(3, 4, 5));
  EXPECT_THAT(log, HasSubstr("checkpoint-1.removed: what is left of an old checkpoint"));
  EXPECT_THAT(log, Not(HasSubstr("is passed over")));
  save(store, state_of(6));
  store.prune(3);
  EXPECT_THAT(store.steps(), ElementsAre(4, 5, 6));
  EXPECT_EQ(::ioctl(file, FS_IOC_SETFLAGS, &none), 0);
  ::close(file);
}

TEST_F(Checkpoints, AFinalModelOfALaterStepIsSetAsideWithoutALaterCheckpoint) {
  save({2});
  write_state(run() / "final", state_of(3));
  scratch_.file("run/events.jsonl", "three lines");
  CheckpointStore store(run());
  store.continue_from(state_of(2));
  EXPECT_EQ(read_state(run() / "final.abandoned"), state_of(3));
  EXPECT_EQ(read_file(run() / "events.jsonl.abandoned"), "three lines");
  write_state(run() / "final", state_of(2));
  store.continue_from(state_of(2));
  EXPECT_TRUE(fs::exists(run() / "final"));
}

TEST_F(Checkpoints, NoBestStaysWhereTheStateHasNone) {
  save({2, 4});
  CheckpointStore store(run());
  store.mark_best(2);
  store.continue_from(state_of(4));
  EXPECT_EQ(link("best"), "");
}

}  // namespace
}  // namespace distill
