#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <numeric>
#include <vector>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/hash.h"
#include "distill/core/progress.h"
#include "distill/core/random.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

class CoreFiles : public testing::Test {
 protected:
  CoreFiles() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~CoreFiles() override { fs::remove_all(folder_); }

  fs::path folder_ = fs::temp_directory_path() / ("distill_core_test_" + std::to_string(getpid()));
};

TEST_F(CoreFiles, AFileIsWholeOrNotThere) {
  const fs::path path = folder_ / "a";
  {
    AtomicFile file(path);
    file.write("half");
  }
  EXPECT_TRUE(fs::is_empty(folder_));
  write_file(path, "whole");
  EXPECT_EQ(read_file(path), "whole");
  {
    AtomicFile file(path);
    file.write("other");
  }
  EXPECT_EQ(read_file(path), "whole");
}

TEST_F(CoreFiles, AFullDiskIsAnErrorThatLeavesNothing) {
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{4096, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    write_file(folder_ / "big", std::string(100'000, 'x'));
  } catch (const DataError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, previous);
  EXPECT_EQ(message, (folder_ / "big").string() + ": cannot be written: File too large");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(CoreFiles, AMissingFileNamesItsPath) {
  try {
    read_file(folder_ / "none");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_EQ(std::string(error.what()),
              (folder_ / "none").string() + ": cannot be opened: No such file or directory");
  }
}

TEST_F(CoreFiles, ALockIsHeldOnce) {
  const FileLock lock(folder_ / "lock");
  EXPECT_THROW(FileLock(folder_ / "lock"), DataError);
}

TEST(Hash, PiecesDoNotRunTogether) {
  EXPECT_EQ(Hasher().add("ab").add("c").key(), Hasher().add("ab").add("c").key());
  EXPECT_NE(Hasher().add("ab").add("c").key(), Hasher().add("a").add("bc").key());
  EXPECT_EQ(hash_text("distill").hex().size(), 32u);
}

TEST(Random, IsTheSameEverywhere) {
  Random random(42);
  EXPECT_EQ(random.next(), 13679457532755275413u);  // SplitMix64 of seed 42
  EXPECT_NE(derive_seed(1, "shuffle"), derive_seed(1, "init"));
  EXPECT_NE(derive_seed(1, "shuffle", 0), derive_seed(1, "shuffle", 1));
}

TEST(Random, BelowIsUniformAndShuffleKeepsAll) {
  Random random(1);
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[random.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  std::vector<int> items(100);
  std::iota(items.begin(), items.end(), 0);
  random.shuffle(std::span(items));
  EXPECT_FALSE(std::is_sorted(items.begin(), items.end()));
  std::sort(items.begin(), items.end());
  EXPECT_EQ(items[99], 99);
}

TEST(Progress, OneIsNoPlural) {
  EXPECT_EQ(plural("step", 1), "step");
  EXPECT_EQ(plural("step", 0), "steps");
  EXPECT_EQ(plural("step", 2), "steps");
}

TEST(Progress, Formats) {
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(61), "1:01");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_count(9999), "9999");
  EXPECT_EQ(format_count(135'200'000), "135.2M");
  EXPECT_EQ(format_bytes(1'500'000'000), "1.50 GB");
}

}  // namespace
}  // namespace distill
