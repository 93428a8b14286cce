// Parquet and Arrow files of tests/data/tables: the rows that pyarrow reads, and no broken file
// that crashes. Skipped where libdistill_arrow.so is not part of the build.
#include <gmock/gmock.h>

#include <cstdlib>

#include "distill/core/files.h"
#include "distill/core/random.h"
#include "distill/data/record_set.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

std::filesystem::path table(const std::string& name) {
  return std::filesystem::path(DISTILL_SOURCE_DIR) / "tests/data/tables" / name;
}

class Tables : public testing::Test {
 protected:
  void SetUp() override {
#ifndef DISTILL_HAS_ARROW
    GTEST_SKIP() << "built without Arrow (DISTILL_ARROW)";
#endif
    ::setenv("XDG_CACHE_HOME", (scratch / "cache").c_str(), 1);
  }
  void TearDown() override { ::unsetenv("XDG_CACHE_HOME"); }

  /// The table's rows are the lines of `name`.jsonl.
  static void expect_rows(const RecordFile& file, const std::string& name) {
    const RecordFile expected(table(name + ".jsonl"));
    ASSERT_EQ(file.size(), expected.size());
    for (size_t i = 0; i < file.size(); ++i) EXPECT_EQ(file.read(i), expected.read(i)) << i;
  }
  std::string open_error(const std::filesystem::path& path, FileType type = FileType::kAuto) const {
    return data_error([&] { RecordFile file(path, {.type = type}); });
  }
  bool cache_is_empty() const {
    const auto folder = scratch / "cache/distill/text";
    return !std::filesystem::exists(folder) || std::filesystem::is_empty(folder);
  }
  Scratch scratch;
};

TEST_F(Tables, HaveTheRowsThatPyarrowReads) {
  for (const char* name : {"sharegpt", "numbers", "texts"}) {
    SCOPED_TRACE(name);
    expect_rows(RecordFile(table(name + std::string(".parquet"))), name);
  }
  expect_rows(RecordFile(table("file.arrow")), "file");
  expect_rows(RecordFile(table("stream.arrow")), "stream");
}

TEST_F(Tables, KeepTheKindOfANumber) {
  const RecordFile file(table("numbers.parquet"));
  EXPECT_TRUE(file.read(0)["float"].is_number_float()) << "1.0 is no integer";
  EXPECT_TRUE(file.read(0)["int64"].is_number_integer());
  EXPECT_TRUE(file.read(1)["uint64"].is_number_unsigned());
}

TEST_F(Tables, AreToldByTheirFirstBytes) {
  const std::string parquet = read_file(table("sharegpt.parquet"));
  expect_rows(RecordFile(scratch.file("train-00000", parquet)), "sharegpt");
  expect_rows(RecordFile(scratch.file("a", read_file(table("file.arrow")))), "file");
  const auto stream = scratch.file("s", read_file(table("stream.arrow")));
  expect_rows(RecordFile(stream, {.type = FileType::kArrow}), "stream");
  EXPECT_EQ(RecordFile(scratch.file("a.txt", "PAR1\n")).read(0)["text"], "PAR1");
}

TEST_F(Tables, AreConvertedOnce) {
  const auto path = scratch.file("a.parquet", read_file(table("sharegpt.parquet")));
  const ContentKey hash = RecordFile(path).hash();
  const auto copy = *std::filesystem::directory_iterator(scratch / "cache/distill/text");
  write_file(copy.path(), "{\"a\": 1}\n");
  EXPECT_EQ(RecordFile(path).read(0)["a"], 1);
  std::filesystem::remove(copy);
  EXPECT_EQ(RecordFile(path).hash(), hash);
}

TEST_F(Tables, NameARowAsPythonDoes) {
  const RecordSet set(table("*sharegpt.parquet").string());
  EXPECT_THAT(set.place(39), EndsWith("tables/sharegpt.parquet[39]"));
  const RecordFile file(table("not_utf8.parquet"));
  EXPECT_EQ(file.read(0)["text"], "a");
  EXPECT_THAT(data_error([&] { file.read(1); }),
              EndsWith("not_utf8.parquet[1]:1:11: not valid UTF-8"));
}

TEST_F(Tables, AreRefusedWithTheReason) {
  EXPECT_THAT(open_error(table("binary.parquet")),
              EndsWith("binary.parquet: cannot be read as Parquet: the column 'image.bytes' has "
                       "the type binary, which is not read; write it as text, or leave it out of "
                       "the file"));
  EXPECT_THAT(open_error(table("empty.parquet")), EndsWith("the file has no records"));
  EXPECT_THAT(open_error(scratch.file("a.parquet", "{}")), EndsWith("byte 0: not a Parquet file"));
  EXPECT_THAT(open_error(scratch.file("b.parquet", "PAREx")), HasSubstr("encrypted"));
  EXPECT_THAT(open_error(scratch.file("a.arrow", "{}")), HasSubstr("byte 0: not an Arrow file"));
  EXPECT_THAT(open_error(table("sharegpt.parquet"), FileType::kArrow), HasSubstr("not an Arrow"));
}

TEST_F(Tables, AreRefusedWhereTheyAreCutOff) {
  for (const char* name : {"sharegpt.parquet", "file.arrow"}) {
    const std::string whole = read_file(table(name));
    for (size_t size = 0; size < whole.size(); size += 1 + size / 16) {
      EXPECT_THAT(open_error(scratch.file(name, whole.substr(0, size))), HasSubstr(name)) << size;
    }
  }
  EXPECT_TRUE(cache_is_empty()) << "nothing of a broken file is kept";
}

TEST_F(Tables, NeverCrashWhereTheyAreCorrupt) {
  Random random(3);
  int refused = 0;
  for (const char* name :
       {"sharegpt.parquet", "numbers.parquet", "texts.parquet", "file.arrow", "stream.arrow"}) {
    const std::string whole = read_file(table(name));
    for (int round = 0; round < 200; ++round) {
      std::string bytes = whole;
      for (uint64_t edits = 1 + random.below(4); edits > 0; --edits) {
        bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
      }
      try {
        const RecordFile file(scratch.file(name, bytes));
        for (size_t i = 0; i < file.size(); ++i) file.read(i);
      } catch (const DataError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 300);
}

TEST_F(Tables, NeedAPlaceForTheirCopy) {
  scratch.file("cache/distill", "no folder");
  EXPECT_THAT(open_error(table("sharegpt.parquet")), HasSubstr("cache/distill"));
}

}  // namespace
}  // namespace distill
