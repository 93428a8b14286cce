#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "fakes.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class OrderTest : public testing::Test {
 protected:
  /// Adds a source with this many records.
  SourceConfig& add(int records) {
    const std::string name = "source" + std::to_string(config.train.size()) + ".jsonl";
    config.train.push_back(
        text_source(scratch.file(name, lines_of_lengths(std::vector<int>(size_t(records), 3)))));
    return config.train.back();
  }
  std::vector<Dataset::Sample> order(int64_t epoch = 0, bool shuffle = true) {
    return load(config).train->order(/*seed=*/1, epoch, shuffle);
  }
  static std::vector<uint32_t> records_of(const std::vector<Dataset::Sample>& samples,
                                          uint32_t source) {
    std::vector<uint32_t> records;
    for (const auto& sample : samples) {
      if (sample.source == source) records.push_back(sample.record);
    }
    return records;
  }
  static std::vector<uint32_t> sources_of(const std::vector<Dataset::Sample>& samples) {
    std::vector<uint32_t> sources;
    for (const auto& sample : samples) sources.push_back(sample.source);
    return sources;
  }
  Scratch scratch;
  DataConfig config;
};

TEST_F(OrderTest, NumSamplesDrawsAnewEachEpoch) {
  add(100).num_samples = 30;
  const auto first = records_of(order(0, false), 0);
  EXPECT_THAT(first, SizeIs(30));
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 30U);
  EXPECT_EQ(records_of(order(0, false), 0), first);
  EXPECT_NE(records_of(order(1, false), 0), first);
}

TEST_F(OrderTest, NumSamplesBeyondTheSourceRepeatsIt) {
  add(10).num_samples = 25;
  const auto records = records_of(order(), 0);
  EXPECT_THAT(records, SizeIs(25));
  for (uint32_t record = 0; record < 10; ++record) {
    EXPECT_GE(std::count(records.begin(), records.end(), record), 2) << record;
    EXPECT_LE(std::count(records.begin(), records.end(), record), 3) << record;
  }
}

TEST_F(OrderTest, InterleavesInProportion) {
  add(8);
  add(2);
  config.interleave = true;
  EXPECT_THAT(sources_of(order(0, false)), ElementsAre(0, 0, 1, 0, 0, 0, 0, 1, 0, 0));
  EXPECT_THAT(records_of(order(0, false), 0), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST_F(OrderTest, EveryStretchOfAnInterleavedEpochHasItsShare) {
  add(700);
  add(200).weight = 0.5;
  add(50).num_samples = 200;
  config.interleave = true;
  const auto samples = order();
  ASSERT_THAT(samples, SizeIs(1000));
  for (size_t begin = 0; begin < 1000; begin += 100) {
    std::vector<int> counts(3);
    for (size_t i = begin; i < begin + 100; ++i) ++counts[samples[i].source];
    EXPECT_NEAR(counts[0], 70, 1) << begin;
    EXPECT_NEAR(counts[1], 10, 1) << begin;
    EXPECT_NEAR(counts[2], 20, 1) << begin;
  }
  EXPECT_FALSE(std::ranges::is_sorted(records_of(samples, 0))) << "shuffled inside each source";
  EXPECT_NE(records_of(order(1), 0), records_of(samples, 0));
}

TEST_F(OrderTest, WithoutInterleavingTheSourcesFollowEachOther) {
  add(3);
  add(2);
  EXPECT_THAT(sources_of(order(0, false)), ElementsAre(0, 0, 0, 1, 1));
}

TEST_F(OrderTest, NumSamplesDoesNotRepeatWhatIsHeldOut) {
  add(1000).num_samples = 5000;
  config.test_size = 0.1;
  const DataSplits splits = load(config);
  EXPECT_EQ(splits.train->order(1, 0, true).size(), 5000U);
  EXPECT_NEAR(double(splits.eval->order(1, 0, true).size()), 100.0, 30.0);
}

}  // namespace
}  // namespace distill
