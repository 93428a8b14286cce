#include "distill/data/batch_stream.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "distill/core/random.h"
#include "fakes.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<int> random_lengths(size_t count, int longest) {
  Random random(11);
  std::vector<int> lengths(count);
  for (int& length : lengths) length = 1 + static_cast<int>(random.below(uint64_t(longest)));
  return lengths;
}

class Stream : public testing::Test {
 protected:
  BatchStream make(const std::vector<int>& lengths, BatchOptions options) {
    DataConfig config;
    config.train = {text_source(scratch.file("train.jsonl", lines_of_lengths(lengths)))};
    config.max_length = options.max_length;
    return {load(config).train, options, 42};
  }
  static std::vector<int64_t> records(const Batch& batch) {
    std::vector<int64_t> records;
    for (const SampleRef& sample : batch.samples) records.push_back(sample.record);
    return records;
  }
  Scratch scratch;
};

BatchOptions options_of(int64_t size, int64_t window, bool shuffle, bool packing,
                        int64_t max_length = 32) {
  BatchOptions options;
  options.micro_batch_size = size;
  options.max_length = max_length;
  options.packing = packing;
  options.shuffle = shuffle;
  options.window = window;
  return options;
}

TEST_F(Stream, GoesInFileOrder) {
  BatchStream stream = make({1, 2, 3, 4, 5}, options_of(2, 4, false, false));
  EXPECT_THAT(records(stream.next()), ElementsAre(0, 1));
  EXPECT_THAT(records(stream.next()), ElementsAre(2, 3));
  const Batch last = stream.next();
  EXPECT_THAT(records(last), ElementsAre(4));
  EXPECT_EQ(last.after, (StreamState{.seed = 42, .epoch = 1}));
  EXPECT_EQ(last.token_count(), 6);
  EXPECT_EQ(last.loss_token_count(), 5);
  EXPECT_THAT(records(stream.next()), ElementsAre(0, 1));
}

TEST_F(Stream, FillsBatchesPastDroppedDocuments) {
  BatchStream stream = make({1, 99, 2, 99, 99, 3, 4, 99}, options_of(2, 8, false, false));
  EXPECT_THAT(records(stream.next()), ElementsAre(0, 2));
  const Batch last = stream.next();
  EXPECT_THAT(records(last), ElementsAre(5, 6));
  EXPECT_EQ(last.after, (StreamState{.seed = 42, .epoch = 1}));
  EXPECT_EQ(stream.report().too_long, 4);
  EXPECT_THAT(records(stream.next()), ElementsAre(0, 2));
}

TEST_F(Stream, ResumesAtEveryBatch) {
  for (const bool packing : {false, true}) {
    for (const bool shuffle : {false, true}) {
      const BatchOptions options = options_of(3, 20, shuffle, packing);
      const std::vector<int> lengths = random_lengths(70, 40);
      BatchStream stream = make(lengths, options);
      std::vector<Batch> batches;
      std::vector<StreamState> states;
      while (stream.state().epoch < 3) {
        states.push_back(stream.state());
        batches.push_back(stream.next());
      }
      EXPECT_GT(batches.size(), 30U);
      for (size_t i = 0; i < batches.size(); ++i) {
        BatchStream resumed = make(lengths, options);
        resumed.seek(i % 2 == 0 || i == 0 ? states[i] : batches[i - 1].after);
        for (size_t j = i; j < std::min(i + 3, batches.size()); ++j) {
          const Batch batch = resumed.next();
          EXPECT_TRUE(at::equal(batch.tokens, batches[j].tokens));
          EXPECT_TRUE(at::equal(batch.targets, batches[j].targets));
          EXPECT_EQ(batch.bounds, batches[j].bounds);
          EXPECT_EQ(batch.after, batches[j].after);
        }
      }
    }
  }
}

TEST_F(Stream, AnEpochHasEveryDocumentOnce) {
  for (const bool packing : {false, true}) {
    BatchStream stream = make(random_lengths(100, 30), options_of(4, 32, true, packing));
    std::multiset<int64_t> seen;
    std::vector<int64_t> order[2];
    while (stream.state().epoch < 2) {
      const auto epoch = static_cast<size_t>(stream.state().epoch);
      const Batch batch = stream.next();
      EXPECT_GT(batch.document_count(), 0);
      EXPECT_LE(batch.token_count(), 4 * 32);
      for (const int64_t record : records(batch)) {
        seen.insert(record);
        order[epoch].push_back(record);
      }
    }
    for (int64_t record = 0; record < 100; ++record) EXPECT_EQ(seen.count(record), 2U);
    EXPECT_NE(order[0], order[1]);
  }
}

TEST_F(Stream, PacksDensely) {
  BatchStream stream = make(random_lengths(1000, 31), options_of(8, 1000, true, true));
  int64_t tokens = 0;
  int64_t batches = 0;
  while (stream.state().epoch == 0) {
    tokens += stream.next().token_count();
    ++batches;
  }
  EXPECT_EQ(batches, (tokens + 255) / 256) << "no more batches than the tokens need";
  EXPECT_EQ(stream.report().tokens, tokens);
}

TEST_F(Stream, CountsWhatItGives) {
  for (const bool packing : {false, true}) {
    BatchStream stream = make(random_lengths(150, 40), options_of(4, 50, true, packing));
    int64_t steps = 0;
    const EpochCount count = stream.count_epoch(1, [&steps](int64_t done, int64_t total) {
      ++steps;
      EXPECT_LE(done, total);
    });
    EXPECT_EQ(steps, 3);
    while (stream.state().epoch < 1) stream.next();
    int64_t batches = 0;
    DataReport before = stream.report();
    int64_t tokens = 0;
    for (; stream.state().epoch == 1; ++batches) tokens += stream.next().token_count();
    EXPECT_EQ(count.batches, batches);
    EXPECT_EQ(count.report.tokens, tokens);
    EXPECT_EQ(count.report.documents, stream.report().documents - before.documents);
    EXPECT_GT(count.report.too_long, 0);
  }
}

TEST_F(Stream, FailsWhereNoDocumentIsLeft) {
  BatchStream stream = make({99, 99, 99, 99, 99}, options_of(2, 2, true, false));
  EXPECT_THAT(data_error([&] { stream.next(); }),
              HasSubstr("no document to train on; 5 records: 0 documents"));
}

TEST_F(Stream, PassesEmptyWindows) {
  BatchStream stream = make({99, 99, 1, 2, 99, 99}, options_of(2, 2, false, false));
  for (int epoch = 0; epoch < 3; ++epoch) EXPECT_THAT(records(stream.next()), ElementsAre(2, 3));
}

TEST_F(Stream, RefusesAStateThatTheDataDoesNotHave) {
  const auto fail = [&](StreamState state) {
    BatchStream stream = make({1, 2, 3, 4, 5}, options_of(2, 4, false, false));
    stream.seek(state);
    return data_error([&] { stream.next(); });
  };
  EXPECT_THAT(fail({.window = 2}), HasSubstr("no place 'epoch 0, window 2, batch 0'"));
  EXPECT_THAT(fail({.batch = 3}), HasSubstr("no place"));
  EXPECT_THAT(fail({.batch = -1}), HasSubstr("no place"));
  EXPECT_THAT(fail({.epoch = -1}), HasSubstr("no place"));
}

TEST_F(Stream, RefusesBatchesBeyondIndices) {
  EXPECT_THROW(make({1}, options_of(1 << 20, 4, false, false, 1 << 12)), ConfigError);
}

TEST_F(Stream, EvaluatesInFileOrder) {
  DataConfig config;
  config.train = {text_source(scratch.file("e.jsonl", lines_of_lengths({1, 2, 99, 4, 5})))};
  config.max_length = 10;
  const auto data = load(config).train;
  const std::vector<Batch> batches = all_batches(*data, 3);
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_THAT(records(batches[0]), ElementsAre(0, 1, 3));
  EXPECT_THAT(records(batches[1]), ElementsAre(4));
  EXPECT_EQ(all_batches(*data, 3, 2).size(), 1U);
  config.max_length = 2;
  config.train[0].path = scratch.file("f.jsonl", lines_of_lengths({9})).string();
  EXPECT_THAT(data_error([&] { all_batches(*load(config).train, 3); }),
              HasSubstr("gives no document; 1 record:"));
}

}  // namespace
}  // namespace distill
