#include "distill/data/data_files.h"

#include <gmock/gmock.h>

#include "fakes.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SourceConfig at(const fs::path& path) { return text_source(path); }

TEST(DataFiles, TellsWhatIsNotThere) {
  const Scratch scratch;
  DataConfig config;
  config.train = {at(scratch.file("a.jsonl", "{}")), at(scratch / "absent.jsonl"),
                  at(scratch / "*.csv"), at(scratch / "*.jsonl")};
  config.eval = {at("nobody/nothing")};
  config.contamination = ContaminationConfig{.against = {at(scratch / "gone.txt")}};
  EXPECT_THAT(DataFiles(config).missing(),
              ElementsAre("data: " + (scratch / "absent.jsonl").string() + ": no such file",
                          "data: " + (scratch / "*.csv").string() + ": no file matches the pattern",
                          HasSubstr("data: nobody/nothing: there is no such file or folder"),
                          "data: " + (scratch / "gone.txt").string() + ": no such file"));
}

TEST(DataFiles, WhatIsThereButInDoubtIsAnErrorOfItsUse) {
  const Scratch scratch;
  DataConfig config;
  config.train = {at(scratch.file("a.jsonl", "{}"))};
  config.train[0].split = "train";
  const DataFiles files(config);
  EXPECT_THAT(files.missing(), IsEmpty());
  EXPECT_THAT(data_error([&] { files.train[0].paths(); }), HasSubstr("split: only a folder"));
}

TEST(DataFiles, AreLookedUpOnce) {
  const Scratch scratch;
  scratch.file("a.jsonl", "{\"text\": \"a\"}\n");
  DataConfig config;
  config.train = {at(scratch / "*.jsonl")};
  const DataFiles files(config);
  scratch.file("b.jsonl", "{\"text\": \"b\"}\n");
  const auto tokenizer = std::make_shared<FakeTokenizer>();
  EXPECT_EQ(load_data(config, files, tokenizer, nullptr).train->record_count(), 1);
  EXPECT_EQ(load_data(config, tokenizer, nullptr).train->record_count(), 2);
}

}  // namespace
}  // namespace distill
