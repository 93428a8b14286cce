#include "distill/train/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RunFolder, ARunIsThereOnceSomethingWasLearned) {
  const Scratch scratch;
  EXPECT_THAT(describe_run(scratch / "absent"), IsEmpty());
  scratch.file("run/config.yaml", "run: {}\n");
  scratch.file("run/events.jsonl", "");
  EXPECT_THAT(describe_run(scratch / "run"), IsEmpty());
  scratch.file("run/events.jsonl", "{\"step\": 1}\n");
  EXPECT_THAT(describe_run(scratch / "run"),
              AllOf(HasSubstr("--resume auto"), HasSubstr("run.output_dir=DIR")));
  scratch.file("finished/final/config.json", "{}");
  EXPECT_THAT(describe_run(scratch / "finished"), HasSubstr("holds a run already"));
}

TEST(RunFolder, WhetherItCouldBeWrittenIsFoundOutWithoutATrace) {
  const Scratch scratch;
  EXPECT_THAT(why_unwritable(scratch / "a/b"), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  scratch.file("file", "");
  EXPECT_EQ(why_unwritable(scratch / "file/run"),
            (scratch / "file/run").string() + ": cannot be written: Not a directory");
  // /proc takes no folders, whoever asks.
  EXPECT_THAT(why_unwritable("/proc/distill"), HasSubstr("/proc/distill: cannot be written"));
}

TEST(RunFolder, ARelativePathIsBelowTheWorkingDirectory) {
  EXPECT_THAT(why_unwritable("no_such_folder/run"), IsEmpty());
}

}  // namespace
}  // namespace distill
