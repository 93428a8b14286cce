// Tokens kept on disk: the same documents as without, and nothing that is stale or damaged.
#include "data/token_store.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "data/source_tokens.h"
#include "distill/data/batch_stream.h"
#include "fakes.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace fs = std::filesystem;

class TokenStoreTest : public testing::Test {
 protected:
  TokenStoreTest() { ::setenv("XDG_CACHE_HOME", (scratch / "cache").c_str(), 1); }
  ~TokenStoreTest() override { ::unsetenv("XDG_CACHE_HOME"); }

  std::vector<fs::path> stores() const {
    const fs::path folder = scratch / "cache/distill/tokens";
    if (!fs::exists(folder)) return {};
    return {fs::directory_iterator(folder), {}};
  }
  /// More than 8 MB of texts.
  DataConfig large(const std::string& last = "{\"text\": \"end\"}\n") {
    std::string text;
    for (int i = 0; i < 9000; ++i) {
      text += "{\"text\": \"" + std::to_string(i) + std::string(1000, 'a') + "\"}\n";
    }
    DataConfig config;
    config.max_length = 2000;
    config.train = {text_source(scratch.file("large.jsonl", text + last))};
    return config;
  }
  static void keep(Dataset& data) {
    data.keep_tokens([](int64_t, int64_t) {});
  }
  Scratch scratch;
};

Document tokens(std::vector<int64_t> ids, std::vector<bool> targets) {
  Document document;
  document.tokens = std::move(ids);
  document.is_target = std::move(targets);
  return document;
}

TEST_F(TokenStoreTest, GivesBackWhatWasWritten) {
  const ContentKey name = hash_text("name");
  TokenStoreWriter writer(name);
  writer.add(compact_tokens(tokens({1, 2, 2147483647}, {false, true, true})));
  writer.add(std::nullopt);
  writer.add(compact_tokens(tokens({}, {})));
  writer.add(compact_tokens(tokens({7, 8}, {true, false})));
  EXPECT_EQ(TokenStore::open(name, 4), nullptr) << "not there before it is whole";
  writer.finish();
  const auto store = TokenStore::open(name, 4);
  ASSERT_NE(store, nullptr);
  EXPECT_THAT(store->read(0)->tokens, testing::ElementsAre(1, 2, 2147483647));
  EXPECT_THAT(store->read(0)->is_target, testing::ElementsAre(false, true, true));
  EXPECT_FALSE(store->read(1).has_value());
  EXPECT_THAT(store->read(2)->tokens, IsEmpty());
  EXPECT_THAT(store->read(3)->tokens, testing::ElementsAre(7, 8));
  EXPECT_EQ(TokenStore::open(name, 3), nullptr);
  EXPECT_EQ(compact_tokens(tokens({int64_t{1} << 31}, {true})), std::nullopt);
}

TEST_F(TokenStoreTest, UnfinishedLeavesNothing) {
  { TokenStoreWriter writer(hash_text("name")); }
  EXPECT_THAT(stores(), IsEmpty());
}

TEST_F(TokenStoreTest, DamageIsToldWithThePlace) {
  const ContentKey name = hash_text("name");
  TokenStoreWriter writer(name);
  writer.add(compact_tokens(tokens({1, 2, 3}, {true, true, true})));
  writer.finish();
  std::fstream file(stores().at(0), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(8);
  file.put('x');
  file.close();
  EXPECT_THAT(data_error([&] { TokenStore::open(name, 1)->read(0); }),
              HasSubstr("record 0 of these kept tokens is damaged; delete the file"));
  fs::resize_file(stores().at(0), 10);
  EXPECT_EQ(TokenStore::open(name, 1), nullptr);
}

TEST_F(TokenStoreTest, ADatasetReadsTheSameFromIt) {
  const DataConfig config = large();
  const auto without = load(config).train;
  const auto order = without->order(1, 0, true);
  DataReport expected;
  const auto documents = without->documents(order, expected);
  keep(*without);
  ASSERT_THAT(stores(), SizeIs(1));
  const auto written = fs::last_write_time(stores()[0]);

  const auto kept = load(config).train;
  keep(*kept);
  EXPECT_EQ(fs::last_write_time(stores()[0]), written) << "made once";
  DataReport report;
  const auto again = kept->documents(order, report);
  EXPECT_EQ(report, expected);
  ASSERT_EQ(again.size(), documents.size());
  for (size_t i = 0; i < again.size(); ++i) {
    ASSERT_EQ(again[i].tokens, documents[i].tokens);
    ASSERT_EQ(again[i].is_target, documents[i].is_target);
    ASSERT_EQ(again[i].sample.content, documents[i].sample.content);
    ASSERT_EQ(again[i].sample.record, documents[i].sample.record);
  }
  // It is read indeed: a damaged one is noticed.
  std::fstream file(stores()[0], std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100);
  file.put('!');
  file.close();
  DataConfig damaged = config;
  for (const OnBadRecord policy : {OnBadRecord::kError, OnBadRecord::kSkip}) {
    damaged.on_bad_record = policy;
    EXPECT_THAT(data_error([&] { load(damaged).train->documents(order, report); }),
                HasSubstr("kept tokens"));
  }
}

TEST_F(TokenStoreTest, WhatDecidesOnTokensNamesIt) {
  DataConfig config = large();
  keep(*load(config).train);
  config.train[0].columns = {{"text", "text"}};
  config.max_length = 1500;
  keep(*load(config).train);
  EXPECT_THAT(stores(), SizeIs(1)) << "the same column, and a length that is cut later";
  config.train[0].format = "prompt_completion";
  config.train[0].columns = {{"prompt", "text"}, {"completion", "text"}};
  keep(*load(config).train);
  EXPECT_THAT(stores(), SizeIs(2));
  keep(*load(large("{\"text\": \"another end\"}\n")).train);
  EXPECT_THAT(stores(), SizeIs(3));
  config.train[0].eos_token = "<s>";
  keep(*load(config).train);
  EXPECT_THAT(stores(), SizeIs(4));
}

TEST_F(TokenStoreTest, ABadRecordIsTheSameErrorOrSkip) {
  DataConfig config = large("{\"text\": 5}\n");
  const std::string place = config.train[0].path + ":9001: the column 'text'";
  keep(*load(config).train);
  ASSERT_THAT(stores(), SizeIs(1));
  const auto data = load(config).train;
  DataReport report;
  EXPECT_THAT(data_error([&] { data->documents(data->order(1, 0, false), report); }),
              HasSubstr(place));
  config.on_bad_record = OnBadRecord::kSkip;
  const auto skipping = load(config).train;
  report = {};
  EXPECT_THAT(skipping->documents(skipping->order(1, 0, false), report), SizeIs(9000));
  EXPECT_EQ(report.bad_records, 1);
}

TEST_F(TokenStoreTest, OnlyWhereItIsWorthItAndWanted) {
  DataConfig config = large();
  config.token_cache = false;
  keep(*load(config).train);
  config = large();
  config.train[0].limit = 10;
  keep(*load(config).train);
  DataConfig small;
  small.train = {text_source(scratch.file("small.jsonl", lines_of_lengths({1, 2})))};
  keep(*load(small).train);
  EXPECT_THAT(stores(), IsEmpty());
}

TEST_F(TokenStoreTest, WithoutACacheFolderTheRunGoesOn) {
  scratch.file("cache", "a file where the folder should be");
  const auto data = load(large()).train;
  keep(*data);
  DataReport report;
  EXPECT_THAT(data->documents(data->order(1, 0, false), report), SizeIs(9001));
}

}  // namespace
}  // namespace distill
