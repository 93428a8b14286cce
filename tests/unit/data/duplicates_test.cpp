#include <gmock/gmock.h>

#include "distill/data/batch_stream.h"
#include "fakes.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DuplicatesTest : public testing::Test {
 protected:
  DuplicatesTest() { config.deduplicate = true; }
  SourceConfig& add(const std::string& content) {
    const std::string name = "source" + std::to_string(config.train.size()) + ".jsonl";
    config.train.push_back(text_source(scratch.file(name, content)));
    return config.train.back();
  }
  static std::vector<std::string> kept(const Dataset& data) {
    std::vector<std::string> places;
    for (const auto& sample : data.order(0, 0, false)) {
      places.push_back(std::to_string(sample.source) + ":" + std::to_string(sample.record));
    }
    return places;
  }
  Scratch scratch;
  DataConfig config;
};

TEST_F(DuplicatesTest, TheFirstOfEqualRecordsStays) {
  add("{\"text\": \"a\"}\n{\"text\": \"b\"}\n{\"text\": \"a\"}\n");
  add("{\"text\": \"c\"}\n{\"text\": \"b\"}\n");
  const auto data = load(config).train;
  EXPECT_THAT(kept(*data), ElementsAre("0:0", "0:1", "1:0"));
  EXPECT_EQ(data->before().duplicates, 2);
  config.deduplicate = false;
  EXPECT_THAT(kept(*load(config).train), ElementsAre("0:0", "0:1", "0:2", "1:0", "1:1"));
}

TEST_F(DuplicatesTest, OnlyTheColumnsOfTheFormatCount) {
  add("{\"text\": \"a\", \"id\": 1}\n{\"id\": 2, \"text\":   \"\\u0061\"}\n{\"text\": \"A\"}\n");
  EXPECT_THAT(kept(*load(config).train), ElementsAre("0:0", "0:2"));
}

TEST_F(DuplicatesTest, TheSameTextInAnotherColumnIsAnotherRecord) {
  SourceConfig& source =
      add("{\"prompt\": \"a\", \"completion\": \"b\"}\n"
          "{\"prompt\": \"ab\", \"completion\": \"\"}\n"
          "{\"prompt\": \"a\", \"completion\": \"b\", \"source\": \"web\"}\n");
  source.format = "prompt_completion";
  EXPECT_THAT(kept(*load(config).train), ElementsAre("0:0", "0:1"));
}

TEST_F(DuplicatesTest, WhatCannotBeReadIsLeftToItsPolicy) {
  add("{\"text\": \"a\"}\n{oops\n{oops\n");
  EXPECT_THAT(kept(*load(config).train), ElementsAre("0:0", "0:1", "0:2"));
}

TEST_F(DuplicatesTest, AreReported) {
  add("{\"text\": \"aa\"}\n{\"text\": \"aa\"}\n{\"text\": \"b\"}\n");
  const BatchStream stream(load(config).train, BatchOptions(config, 8), 1);
  EXPECT_THAT(stream.count_epoch(0).report.summary(),
              HasSubstr("1 left out as an exact duplicate"));
}

}  // namespace
}  // namespace distill
