#include "distill/core/folders.h"

#include <gtest/gtest.h>

#include "core/rename_twice.h"
#include "distill/core/files.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

TEST(PutInPlace, GivesAFolderItsName) {
  const Scratch scratch;
  scratch.file("new.partial/a", "1");
  put_in_place(scratch / "new.partial", scratch / "new");
  EXPECT_EQ(read_file(scratch / "new/a"), "1");
  EXPECT_FALSE(fs::exists(scratch / "new.partial"));
}

TEST(PutInPlace, ReplacesTheFolderThatWasThere) {
  const Scratch scratch;
  scratch.file("it/old", "1");
  scratch.file("it.partial/new", "2");
  put_in_place(scratch / "it.partial", scratch / "it");
  EXPECT_EQ(read_file(scratch / "it/new"), "2");
  EXPECT_FALSE(fs::exists(scratch / "it/old"));
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1);
}

// Where the file system cannot exchange two names.
TEST(RenameTwice, ReplacesAFolderAndKeepsTheOldOneUnderAnotherName) {
  const Scratch scratch;
  scratch.file("it/old", "1");
  scratch.file("it.partial/new", "2");
  scratch.file("it.removed/half", "left by a kill");
  EXPECT_EQ(rename_twice(scratch / "it.partial", scratch / "it"), scratch / "it.removed");
  EXPECT_EQ(read_file(scratch / "it/new"), "2");
  EXPECT_EQ(read_file(scratch / "it.removed/old"), "1");
  EXPECT_FALSE(fs::exists(scratch / "it.removed/half"));
}

TEST(RenameTwice, PutsTheOldOneBackWhereTheNewOneCannotFollow) {
  const Scratch scratch;
  scratch.file("it/old", "1");
  EXPECT_EQ(data_error([&] { rename_twice(scratch / "absent", scratch / "it"); }),
            (scratch / "it").string() + ": cannot be replaced: No such file or directory");
  EXPECT_EQ(read_file(scratch / "it/old"), "1");
}

TEST(PutInPlace, SaysWhatCouldNotBeMade) {
  const Scratch scratch;
  EXPECT_EQ(data_error([&] { put_in_place(scratch / "absent", scratch / "it"); }),
            (scratch / "it").string() + ": cannot be made: No such file or directory");
}

TEST(SetAside, TakesTheFirstNameThatIsFree) {
  const Scratch scratch;
  scratch.file("it/a", "1");
  EXPECT_EQ(set_aside(scratch / "it"), scratch / "it.abandoned");
  scratch.file("it/a", "2");
  EXPECT_EQ(set_aside(scratch / "it"), scratch / "it.abandoned-2");
  EXPECT_EQ(read_file(scratch / "it.abandoned/a"), "1");
  EXPECT_EQ(read_file(scratch / "it.abandoned-2/a"), "2");
  EXPECT_FALSE(fs::exists(scratch / "it"));
}

TEST(SetAside, ACopyLeavesTheFile) {
  const Scratch scratch;
  const fs::path file = scratch.file("events.jsonl", "lines");
  EXPECT_EQ(read_file(set_aside_copy(file)), "lines");
  EXPECT_EQ(read_file(file), "lines");
}

TEST(WhyNotRemovable, NamesAFolderThatCannotBeRead) {
  const Scratch scratch;
  scratch.file("it/inner/a", "1");
  EXPECT_EQ(why_not_removable(scratch / "it"), "");
  EXPECT_NE(why_not_removable(scratch / "absent").find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace distill
