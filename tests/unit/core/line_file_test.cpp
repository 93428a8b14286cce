#include "distill/core/line_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "distill/core/error.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class LineFiles : public testing::Test {
 protected:
  LineFiles() { fs::remove(path_); }
  ~LineFiles() override { fs::remove(path_); }

  fs::path path_ =
      fs::temp_directory_path() / ("distill_line_file_test_" + std::to_string(getpid()));
};

TEST_F(LineFiles, GrowsByWholeLines) {
  {
    LineFile file(path_);
    EXPECT_THAT(file.read_lines(), IsEmpty());
    file.append("one");
    file.append("");
  }
  LineFile file(path_);
  EXPECT_THAT(file.read_lines(), ElementsAre("one", ""));
  file.append("three");
  EXPECT_EQ(read_file(path_), "one\n\nthree\n");
  EXPECT_THAT(file.read_lines(), ElementsAre("one", "", "three"));
  file.clear();
  file.append("again");
  EXPECT_EQ(read_file(path_), "again\n");
  file.remove();
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(LineFiles, AWriteThatWasCutOffIsNoLine) {
  for (const std::string cut : {"one\ntw", "one\ntwo and much more"}) {
    std::ofstream(path_, std::ios::binary) << cut;
    LineFile file(path_);
    EXPECT_THAT(file.read_lines(), ElementsAre("one"));
    EXPECT_EQ(read_file(path_), cut);  // until something takes its place
    file.append("2");
    EXPECT_EQ(read_file(path_), "one\n2\n");
  }
  std::ofstream(path_, std::ios::binary) << "on";
  EXPECT_THAT(LineFile(path_).read_lines(), IsEmpty());
  EXPECT_EQ(LineFile(path_).read_cut_line(), "on");
  std::ofstream(path_, std::ios::binary) << "one\n";
  EXPECT_EQ(LineFile(path_).read_cut_line(), "");
}

TEST_F(LineFiles, AFullDiskLeavesTheLinesThatWereThere) {
  LineFile file(path_);
  file.append("one");
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{4096, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    file.append(std::string(10'000, 'x'));  // the first 4092 bytes are taken
  } catch (const DataError& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, previous);
  EXPECT_EQ(message, path_.string() + ": cannot be written: File too large");
  EXPECT_EQ(read_file(path_), "one\n");
  file.append("two");
  EXPECT_EQ(read_file(path_), "one\ntwo\n");
}

TEST_F(LineFiles, BelongsToOneProcess) {
  const LineFile file(path_);
  try {
    LineFile again(path_);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_EQ(error.what(), path_.string() + ": another process is using this file");
  }
}

}  // namespace
}  // namespace distill
