// CSV, TSV and plain text as records, and patterns that name several files.
#include <gmock/gmock.h>

#include <filesystem>

#include "distill/core/random.h"
#include "distill/data/record_set.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class FileTypes : public testing::Test {
 protected:
  std::string without_folder(const std::string& message) const {
    return message.substr(scratch.path().string().size() + 1);
  }
  std::string open_error(const std::string& name, const std::string& content,
                         const RecordOptions& options = {}) const {
    const auto path = scratch.file(name, content);
    return without_folder(data_error([&] { RecordFile file(path, options); }));
  }
  std::string read_error(const std::string& name, const std::string& content, size_t record) const {
    const RecordFile file(scratch.file(name, content));
    return without_folder(data_error([&] { file.read(record); }));
  }
  std::vector<std::string> texts(const std::string& content, SampleBy sample_by) const {
    const RecordFile file(scratch.file("t.txt", content), {.sample_by = sample_by});
    std::vector<std::string> texts;
    for (size_t i = 0; i < file.size(); ++i) texts.push_back(file.read(i)["text"]);
    return texts;
  }
  Scratch scratch;
};

TEST_F(FileTypes, ReadsCsvByItsHeader) {
  const RecordFile file(
      scratch.file("a.csv",
                   "\xEF\xBB\xBFquestion,\"the answer\",id\r\n\r\n1+1?,2,a\r\n"
                   "\"says \"\"hi\"\",\nthen goes\",,\"\"\r\n\"last\",\u00e9, x "));
  ASSERT_EQ(file.size(), 3U);
  EXPECT_EQ(file.read(0), Json::parse(R"({"question": "1+1?", "the answer": "2", "id": "a"})"));
  EXPECT_EQ(file.read(1)["question"], "says \"hi\",\nthen goes");
  EXPECT_EQ(file.read(1)["the answer"], "");
  EXPECT_EQ(file.read(1)["id"], "");
  EXPECT_EQ(file.read(2)["the answer"], "\u00e9");
  EXPECT_EQ(file.read(2)["id"], " x ");
  EXPECT_THAT(file.place(1), EndsWith("a.csv:4"));
  EXPECT_THAT(file.place(2), EndsWith("a.csv:6"));
}

TEST_F(FileTypes, ReadsTsvAndOtherNames) {
  EXPECT_EQ(RecordFile(scratch.file("a.TSV", "a\tb\n1,5\t\"x\ty\"\n")).read(0),
            Json::parse(R"({"a": "1,5", "b": "x\ty"})"));
  EXPECT_EQ(RecordFile(scratch.file("a.data", "a,b\n1,2\n"), {.type = FileType::kCsv}).read(0)["b"],
            "2");
  EXPECT_EQ(
      RecordFile(scratch.file("j.txt", "{\"a\": 1}\n"), {.type = FileType::kJson}).read(0)["a"], 1);
}

TEST_F(FileTypes, NamesThePlaceOfMalformedCsv) {
  EXPECT_THAT(open_error("a.csv", "a,b\n1,x\"y\n"), HasSubstr("a.csv:2:4: a quote inside a field"));
  EXPECT_EQ(open_error("a.csv", "a,b\n\u00e9,\"y\"z\n"),
            "a.csv:2:6: expected the end of the field after its closing quote");
  EXPECT_EQ(open_error("a.csv", "a,b\n1,\"y\n2,z\n"),
            "a.csv:2:3: the quotes are never closed; the file may be truncated");
  EXPECT_EQ(open_error("a.csv", "a,b\n1\r2,3\n"),
            "a.csv:2:2: a carriage return without a line feed");
  EXPECT_EQ(open_error("a.csv", "a,,b\n1,2,3\n"),
            "a.csv:1:1: the header has a column without a name");
  EXPECT_EQ(open_error("a.csv", "a,b,a\n1,2,3\n"),
            "a.csv:1:1: the header names the column 'a' twice");
  EXPECT_EQ(open_error("a.csv", "a,\xff\n1,2\n"), "a.csv:1:3: not valid UTF-8");
  for (const char* empty : {"", "\n\r\n", "a,b\n", "a,b\n\n"}) {
    EXPECT_EQ(open_error("a.csv", empty), "a.csv: the file has no records") << empty;
  }
  EXPECT_EQ(read_error("a.csv", "a,b\n1,2\n\n1,2,3\n", 1),
            "a.csv:4:1: expected 2 fields, as the header has, found 3");
  EXPECT_EQ(read_error("a.csv", "a,b\n1\n", 0),
            "a.csv:2:1: expected 2 fields, as the header has, found 1");
  EXPECT_EQ(read_error("a.csv", "a,b\n1,2\n\"\n\",\xff\n", 1), "a.csv:4:3: not valid UTF-8");
}

TEST_F(FileTypes, ReadsPlainText) {
  const std::string content = "\xEF\xBB\xBF\n first \r\nsecond\r\n \t\r\n\nthird";
  EXPECT_THAT(texts(content, SampleBy::kLine), ElementsAre(" first ", "second", "third"));
  EXPECT_THAT(texts(content, SampleBy::kParagraph), ElementsAre(" first \nsecond", "third"));
  EXPECT_THAT(texts(content, SampleBy::kDocument), ElementsAre("\n first \nsecond\n \t\n\nthird"));
  EXPECT_EQ(open_error("t.txt", "\n \r\n"), "t.txt: the file has no records");
  EXPECT_EQ(open_error("t.txt", " \n", {.sample_by = SampleBy::kDocument}),
            "t.txt: the file has no records");
  EXPECT_EQ(read_error("t.txt", "a\n\nb\xff\n", 1), "t.txt:3:2: not valid UTF-8");
  EXPECT_EQ(open_error("t.jsonl", "{}", {.sample_by = SampleBy::kDocument}),
            "t.jsonl: sample_by: only plain text files take it");
}

TEST_F(FileTypes, RefusesWhatItCannotRead) {
  std::string huge(RecordFile::kLongestRecord + 1, 'x');
  EXPECT_EQ(read_error("t.txt", "a\n" + huge + "\nb\n", 1),
            "t.txt:2:1: the record has 67.1 MB; at most 67.1 MB are read");
  huge.pop_back();
  EXPECT_EQ(RecordFile(scratch.file("t.txt", huge)).read(0)["text"], huge);
}

TEST_F(FileTypes, FindsTheLineAmongMany) {
  std::string text = "\n\n";
  for (int i = 0; i < 5000; ++i) text += i % 7 == 0 ? "a\n\n" : "a\n";
  const RecordFile file(scratch.file("t.txt", text));
  int64_t line = 3;
  for (size_t i = 0; i < file.size(); ++i) {
    if (i % 501 == 0) {
      EXPECT_THAT(file.place(i), EndsWith(":" + std::to_string(line)));
    }
    line += i % 7 == 0 ? 2 : 1;
  }
}

TEST_F(FileTypes, MutatedTablesNeverCrash) {
  const std::string table = "a,b\r\n1,\"x\"\"y\"\n\"multi\nline\",2\n3,\u00e9\n";
  Random random(5);
  int read = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string text = table;
    for (uint64_t edits = 1 + random.below(3); edits > 0; --edits) {
      text[random.below(text.size())] = "\",\n\r x\xff"[random.below(7)];
    }
    try {
      const RecordFile file(scratch.file("f.csv", text));
      for (size_t i = 0; i < file.size(); ++i) {
        EXPECT_EQ(file.read(i).size(), file.read(0).size());
        ++read;
      }
    } catch (const DataError&) {
    }
  }
  EXPECT_GT(read, 300);
}

TEST_F(FileTypes, APatternNamesFilesInOrder) {
  scratch.file("d/b.jsonl", "{\"text\": \"3\"}\n{\"text\": \"4\"}\n");
  scratch.file("d/a.txt", "1\n2\n");
  scratch.file("d/folder.txt/x", "");
  scratch.file("d/c.csv", "text\n5\n");
  const RecordSet set((scratch / "d/*").string());
  ASSERT_EQ(set.size(), 5U);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(set.read(i)["text"], std::to_string(i + 1));
  EXPECT_THAT(set.place(3), EndsWith("d/b.jsonl:2"));
  EXPECT_EQ(set.text(4), "5");
  EXPECT_NE(set.hash(), RecordSet((scratch / "d/[ab]*").string()).hash());
  const std::string one = (scratch / "d/b.jsonl").string();
  EXPECT_EQ(RecordSet(one).hash(), RecordFile(one).hash());
  EXPECT_EQ(RecordSet((scratch / "d/?.csv").string()).size(), 1U);
}

TEST_F(FileTypes, APatternMayFindNothing) {
  const auto error = [&](const std::string& name) {
    return without_folder(data_error([&] { RecordSet set((scratch / name).string()); }));
  };
  EXPECT_EQ(error("*.jsonl"), "*.jsonl: no file matches the pattern");
  EXPECT_THAT(error("**/a"), HasSubstr("'**' is not supported"));
  EXPECT_THAT(error("absent.jsonl"), HasSubstr("absent.jsonl: cannot be opened"));
  EXPECT_FALSE(source_exists((scratch / "*.jsonl").string()));
  scratch.file("odd[1].jsonl", "{}\n");
  EXPECT_EQ(RecordSet((scratch / "odd[1].jsonl").string()).size(), 1U) << "a name, not a pattern";
  EXPECT_TRUE(source_exists((scratch / "*.jsonl").string()));
}

}  // namespace
}  // namespace distill
