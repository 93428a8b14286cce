// Large files: the kept index, and what stays in memory.
#include "data/record_index.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "distill/data/records.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

constexpr int kRecords = 70000;

/// "VmHWM:" or "RssFile:" of this process, in bytes.
size_t memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind(name, 0) == 0) return std::stoul(line.substr(name.size())) * 1024;
  }
  return 0;
}

class LargeFile : public testing::Test {
 protected:
  LargeFile() { ::setenv("XDG_CACHE_HOME", (scratch / "cache").c_str(), 1); }
  ~LargeFile() override { ::unsetenv("XDG_CACHE_HOME"); }

  /// Over 64 MiB of lines; `first` stands in the first one.
  fs::path write(char first = 'a') {
    std::string text;
    for (int i = 0; i < kRecords; ++i) {
      text +=
          "{\"n\": " + std::to_string(i) + ", \"text\": \"" + std::string(1000, first) + "\"}\n";
      first = 'x';
    }
    return scratch.file("large.jsonl", text);
  }
  fs::path index() const {
    const fs::path folder = scratch / "cache/distill/index";
    if (!fs::exists(folder)) return {};
    return fs::directory_iterator(folder)->path();
  }
  Scratch scratch;
};

TEST_F(LargeFile, IsIndexedOnce) {
  const fs::path path = write();
  const RecordFile first(path);
  ASSERT_FALSE(index().empty());
  const auto written = fs::last_write_time(index());
  const RecordFile second(path);
  EXPECT_EQ(fs::last_write_time(index()), written);
  EXPECT_EQ(second.size(), size_t{kRecords});
  EXPECT_EQ(second.hash(), first.hash());
  EXPECT_EQ(second.hash(), hash_file(path));
  EXPECT_EQ(second.read(kRecords - 1)["n"], kRecords - 1);
  EXPECT_EQ(second.place(4000), path.string() + ":4001");
}

TEST_F(LargeFile, AChangedFileIsIndexedAnew) {
  const ContentKey before = RecordFile(write('a')).hash();
  const fs::path path = write('b');  // of the same size
  const RecordFile changed(path);
  EXPECT_NE(changed.hash(), before);
  EXPECT_EQ(changed.hash(), hash_file(path));
}

TEST_F(LargeFile, ABrokenIndexIsNotUsed) {
  const fs::path path = write();
  { const RecordFile file(path); }
  fs::resize_file(index(), fs::file_size(index()) - 8);
  EXPECT_EQ(RecordFile(path).size(), size_t{kRecords});
  std::ofstream(index(), std::ios::trunc) << "short";
  EXPECT_EQ(RecordFile(path).size(), size_t{kRecords});
}

TEST_F(LargeFile, WithoutACacheFolderItIsReadAllTheSame) {
  scratch.file("cache", "a file where the folder should be");
  const fs::path path = write();
  const RecordFile file(path);
  EXPECT_EQ(file.size(), size_t{kRecords});
  EXPECT_EQ(file.hash(), hash_file(path));
}

TEST_F(LargeFile, ItsTextIsNotKeptInMemory) {
  const fs::path path = write();
  const size_t before = memory("RssFile:");
  const RecordFile file(path);
  EXPECT_LT(memory("RssFile:"), before + (8 << 20));
  for (size_t i = 0; i < file.size(); ++i) ASSERT_FALSE(file.text(i).empty());
  EXPECT_GT(memory("RssFile:"), before + (60 << 20)) << "the measure sees it";
  file.release();
  EXPECT_LT(memory("RssFile:"), before + (8 << 20));
}

TEST(SmallFile, LeavesNothingBehind) {
  const Scratch scratch;
  ::setenv("XDG_CACHE_HOME", (scratch / "cache").c_str(), 1);
  const RecordFile file(scratch.file("small.jsonl", "{}\n{}\n"));
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(file.size(), 2U);
  EXPECT_FALSE(fs::exists(scratch / "cache"));
}

TEST(SmallFile, BlankLinesCostNoMoreThanTheirBytes) {
  const Scratch scratch;
  // A search that starts anew at each line would take minutes.
  const RecordFile file(scratch.file("blank.jsonl", std::string(4 << 20, '\n') + "  {}\n\n {}"));
  EXPECT_EQ(file.size(), 2U);
  EXPECT_EQ(file.text(1), " {}");
}

}  // namespace
}  // namespace distill
