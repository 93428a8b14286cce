// Data files that change while they are read.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "data/record_pass.h"
#include "distill/data/batch_stream.h"
#include "fakes.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr int kRecords = 300;

class ChangedFile : public testing::Test {
 protected:
  ChangedFile() {
    write("train.jsonl");
    config.train = {text_source(path)};
    config.shuffle = false;
  }

  void write(const std::string& name) const {
    std::string text;
    for (int i = 0; i < kRecords; ++i) text += "{\"text\": \"" + std::to_string(1000 + i) + "\"}\n";
    scratch.file(name, text);
  }
  BatchStream stream() const { return {load(config).train, BatchOptions(config, 4), 1}; }
  /// The error of the batch after the change.
  std::string after(const std::function<void()>& change) const {
    BatchStream batches = stream();
    batches.next();
    change();
    return data_error([&] { batches.next(); });
  }

  Scratch scratch;
  const fs::path path = scratch / "train.jsonl";
  const uintmax_t size = 17 * kRecords;
  DataConfig config;
};

TEST_F(ChangedFile, ThatGrowsIsAnError) {
  const std::string error =
      after([&] { std::ofstream(path, std::ios::app) << "{\"text\": \"more\"}\n"; });
  EXPECT_EQ(error, path.string() + ": the file has changed since it was opened: it had " +
                       std::to_string(size) + " bytes and has " + std::to_string(size + 17) +
                       " now; once it is back as it was, the run can be resumed");
}

TEST_F(ChangedFile, ThatShrinksIsAnErrorBeforeItsEndIsPassed) {
  for (const uintmax_t rest : {size - 17, uintmax_t{100}, uintmax_t{0}}) {
    write("train.jsonl");
    EXPECT_THAT(after([&] { fs::resize_file(path, rest); }),
                HasSubstr("it had " + std::to_string(size) + " bytes and has " +
                          std::to_string(rest) + " now"));
  }
}

TEST_F(ChangedFile, ThatIsReplacedIsAnError) {
  EXPECT_THAT(after([&] {
                write("other.jsonl");
                fs::rename(scratch / "other.jsonl", path);
              }),
              HasSubstr("its " + std::to_string(size) + " bytes were written anew"));
  EXPECT_THAT(after([&] { write("train.jsonl"); }), HasSubstr("were written anew"));
}

TEST_F(ChangedFile, ThatIsGoneIsAnError) {
  EXPECT_THAT(after([&] { fs::remove(path); }),
              AllOf(StartsWith(path.string() + ": cannot be read: No such file"),
                    HasSubstr("once it is back as it was, the run can be resumed")));
}

TEST_F(ChangedFile, IsNoBadRecord) {
  config.on_bad_record = OnBadRecord::kSkip;
  EXPECT_THAT(after([&] { fs::resize_file(path, 0); }), HasSubstr("has changed"));
}

TEST_F(ChangedFile, ThatIsBackAsItWasIsReadOn) {
  BatchStream batches = stream();
  batches.next();
  const StreamState state = batches.state();
  struct stat before = {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  fs::copy(path, scratch / "kept.jsonl");
  fs::resize_file(path, 17);
  data_error([&] { batches.next(); });
  fs::copy_file(scratch / "kept.jsonl", path, fs::copy_options::overwrite_existing);
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  batches.seek(state);
  EXPECT_EQ(batches.next().tokens.size(0), 4 * 5);
}

TEST_F(ChangedFile, WhoseRecordsAreNotReadIsNone) {
  write("later.jsonl");
  config.train.push_back(text_source(scratch / "later.jsonl"));
  EXPECT_THAT(load(config).train->order(1, 0, false), SizeIs(2 * kRecords));
  BatchStream batches = stream();
  batches.next();
  fs::resize_file(scratch / "later.jsonl", 0);
  EXPECT_NO_THROW(batches.next());
  EXPECT_THAT(data_error([&] {
                for (int i = 0; i < kRecords; ++i) batches.next();
              }),
              StartsWith((scratch / "later.jsonl").string() + ": the file has changed"));
}

TEST_F(ChangedFile, EndsAPassOverTheRecords) {
  const auto train = load(config);
  std::vector<Dataset::Source> sources(1);
  sources[0].set = std::make_shared<const RecordSet>(path.string());
  sources[0].records = {0, 1, 2};
  fs::resize_file(path, 10);
  EXPECT_THAT(
      data_error([&] { visit_records(sources, 2, "pass", [](size_t, size_t, const Json&) {}); }),
      HasSubstr("it had " + std::to_string(size) + " bytes and has 10 now"));
}

TEST_F(ChangedFile, IsNotHashed) {
  const RecordFile file(path);
  fs::resize_file(path, 10);
  EXPECT_THAT(data_error([&] { file.hash(); }), HasSubstr("has changed"));
}

TEST_F(ChangedFile, KeepsTheHashThatItHadWhenItWasAskedFor) {
  const RecordFile file(path);
  const ContentKey before = file.hash();
  fs::resize_file(path, 10);
  EXPECT_EQ(file.hash(), before) << "read once";
}

TEST_F(ChangedFile, OfACopyDoesNotMatter) {
  ::setenv("XDG_CACHE_HOME", (scratch / "cache").c_str(), 1);
  const std::string command = "gzip -k '" + path.string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  config.train = {text_source(path.string() + ".gz")};
  BatchStream batches = stream();
  ::unsetenv("XDG_CACHE_HOME");
  batches.next();
  fs::resize_file(path.string() + ".gz", 10);
  EXPECT_NO_THROW(batches.next());
}

}  // namespace
}  // namespace distill
