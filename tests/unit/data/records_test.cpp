#include "distill/data/records.h"

#include <gmock/gmock.h>

#include "distill/core/random.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::HasSubstr;

class Records : public testing::Test {
 protected:
  std::string open_error(const std::string& content) const {
    const auto path = scratch.file("bad.jsonl", content);
    return data_error([&] { RecordFile file(path); }).substr(scratch.path().string().size() + 1);
  }
  std::string read_error(const std::string& content, size_t record) const {
    const RecordFile file(scratch.file("bad.jsonl", content));
    return data_error([&] { file.read(record); }).substr(scratch.path().string().size() + 1);
  }
  Scratch scratch;
};

TEST_F(Records, ReadsLines) {
  const RecordFile file(scratch.file("b.jsonl", "{\"a\": 1}\n\n  \t\r\n{\"a\": 2}\r\n {\"a\": 3}"));
  ASSERT_EQ(file.size(), 3U);
  EXPECT_EQ(file.text(1), "{\"a\": 2}");
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(file.read(i)["a"], i + 1);
  EXPECT_EQ(file.place(0), (scratch / "b.jsonl").string() + ":1");
  EXPECT_EQ(file.place(1), (scratch / "b.jsonl").string() + ":4");
  EXPECT_EQ(file.place(2), (scratch / "b.jsonl").string() + ":5");
}

TEST_F(Records, ReadsAList) {
  const std::string text =
      "\n[\n  {\"a\": \"]},\\\"{[\", \"b\": [1, {}]},{\"a\": 2} ,\n\t{\"a\": 3}\n]\n";
  const RecordFile file(scratch.file("a.json", text));
  ASSERT_EQ(file.size(), 3U);
  EXPECT_EQ(file.text(0), "{\"a\": \"]},\\\"{[\", \"b\": [1, {}]}");
  EXPECT_EQ(file.read(0)["a"], "]},\"{[");
  EXPECT_EQ(file.read(1)["a"], 2);
  EXPECT_EQ(file.read(2)["a"], 3);
  EXPECT_EQ(file.place(1), (scratch / "a.json").string() + ":3");
  EXPECT_EQ(file.place(2), (scratch / "a.json").string() + ":4");
}

TEST_F(Records, RefusesFilesWithoutRecords) {
  for (const char* content : {"", "\n \n", "[]", " [ ] \n"}) {
    EXPECT_EQ(open_error(content), "bad.jsonl: the file has no records") << content;
  }
  EXPECT_THAT(data_error([&] { RecordFile file(scratch / "absent.jsonl"); }),
              HasSubstr("absent.jsonl: cannot be opened"));
  EXPECT_THAT(data_error([&] { RecordFile file(scratch.path()); }), HasSubstr("not a file"));
}

TEST_F(Records, RefusesBrokenLists) {
  EXPECT_EQ(open_error("["), "bad.jsonl:1:2: expected a record");
  EXPECT_EQ(open_error("[{},]"), "bad.jsonl:1:5: expected a record");
  EXPECT_EQ(open_error("[{}\n,{}"),
            "bad.jsonl:2:4: the list does not end; the file may be truncated");
  EXPECT_EQ(open_error("[{\"a\": \"b"),
            "bad.jsonl:1:10: the list does not end; the file may be truncated");
  EXPECT_EQ(open_error("[{} {}]"), "bad.jsonl:1:5: expected ',' or ']' after a record");
  EXPECT_EQ(open_error("[{}]\nx"), "bad.jsonl:2:1: expected nothing after the list");
}

TEST_F(Records, NamesThePlaceOfABadRecord) {
  EXPECT_THAT(read_error("{}\n\n{\"a\": }\n{}", 1), HasSubstr("bad.jsonl:3:7: not valid JSON"));
  EXPECT_EQ(read_error("{}\n{\"a\": \"\xff\"}", 1), "bad.jsonl:2:8: not valid UTF-8");
  EXPECT_THAT(read_error("{}\n{\"a\": 1", 1), HasSubstr("bad.jsonl:2:"));
  EXPECT_THAT(read_error("{} {}", 0), HasSubstr("bad.jsonl:1:4: not valid JSON"));
  EXPECT_THAT(read_error("\xEF\xBB\xBF{}", 0), HasSubstr("byte order mark"));
  EXPECT_THAT(read_error("[{},\n  {\"a\": 1, \"a\": 2}]", 1),
              HasSubstr("bad.jsonl:2:12: the key \"a\" is given twice"));
}

TEST_F(Records, MutatedFilesNeverCrash) {
  const std::string lines =
      "{\"a\": \"x\\\"y\"}\n{\"b\": [1, {\"c\": null}]}\n\n{\"d\": \"\u00e9\"}\n";
  const std::string list =
      "[{\"a\": \"x\\\"y\"}, {\"b\": [1, {\"c\": null}]},\n {\"d\": \"\u00e9\"}]";
  Random random(3);
  int read = 0;
  for (int round = 0; round < 500; ++round) {
    std::string text = round % 2 == 0 ? lines : list;
    for (uint64_t edits = 1 + random.below(3); edits > 0 && !text.empty(); --edits) {
      const size_t at = random.below(text.size());
      switch (random.below(3)) {
        case 0:
          text[at] = "{}[],:\"\\\n \xff"[random.below(11)];
          break;
        case 1:
          text.erase(at, 1 + random.below(5));
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(6)));
      }
    }
    try {
      const RecordFile file(scratch.file("f", text));
      for (size_t i = 0; i < file.size(); ++i) {
        file.read(i);
        ++read;
      }
    } catch (const DataError&) {
    }
  }
  EXPECT_GT(read, 150);
}

TEST_F(Records, OneObjectOverSeveralLinesIsNoListOfRecords) {
  const auto path = scratch.file("pretty.json", "{\n  \"data\": []\n}\n");
  EXPECT_EQ(
      data_error([&] { RecordFile file(path); }),
      path.string() + ":1:1: an object over several lines; expected an object a line, or a list");
}

}  // namespace
}  // namespace distill
