#include "distill/data/prefetch.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "fakes.h"

namespace distill {
namespace {

using testing::HasSubstr;

class Prefetch : public testing::Test {
 protected:
  BatchStream stream(const std::string& content) {
    DataConfig config;
    config.train = {text_source(scratch.file("train.jsonl", content))};
    BatchOptions options(config, 2);
    options.window = 4;
    return {load(config).train, options, 7};
  }
  Scratch scratch;
};

TEST_F(Prefetch, GivesTheBatchesOfTheStream) {
  const std::string content = lines_of_lengths({1, 2, 3, 4, 5, 6, 7});
  for (const int64_t depth : {0, 1, 3}) {
    BatchStream plain = stream(content);
    Prefetcher ahead(plain, depth);
    for (int i = 0; i < 20; ++i) {
      const Batch expected = plain.next();
      const Batch batch = ahead.next();
      EXPECT_TRUE(at::equal(batch.tokens, expected.tokens));
      EXPECT_EQ(batch.after, expected.after);
      EXPECT_EQ(ahead.report(), plain.report());
    }
  }
}

TEST_F(Prefetch, SeeksAwayFromWhatWasReadAhead) {
  const std::string content = lines_of_lengths({1, 2, 3, 4, 5, 6, 7});
  Prefetcher ahead(stream(content), 4);
  const Batch first = ahead.next();
  const Batch second = ahead.next();
  for (int i = 0; i < 5; ++i) {
    ahead.seek(first.after);
    EXPECT_TRUE(at::equal(ahead.next().tokens, second.tokens));
  }
}

TEST_F(Prefetch, ErrorsComeWhereTheyBelongAndStay) {
  DataConfig config;
  std::string content = lines_of_lengths({1, 2, 3, 4, 5, 6, 7});
  content += "{oops\n";
  config.train = {text_source(scratch.file("train.jsonl", content))};
  config.shuffle = false;
  Prefetcher ahead(BatchStream(load(config).train, BatchOptions(config, 2), 7), 8);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ahead.next().document_count(), 2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(data_error([&] { ahead.next(); }), HasSubstr("train.jsonl:8:2: not valid JSON"));
  }
}

TEST_F(Prefetch, ShutsDownAtAnyMoment) {
  const std::string content = lines_of_lengths({1, 2, 3, 4, 5, 6, 7});
  for (int i = 0; i < 50; ++i) {
    Prefetcher ahead(stream(content), 1 + i % 4);
    for (int j = 0; j < i % 5; ++j) ahead.next();
  }
}

}  // namespace
}  // namespace distill
