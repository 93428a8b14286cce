#include "distill/data/dataset.h"

#include <gmock/gmock.h>

#include <numeric>
#include <set>

#include "fakes.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class DatasetTest : public testing::Test {
 protected:
  /// A config over one text file with documents of these lengths (EOS comes on top).
  DataConfig config_of(const std::vector<int>& lengths) {
    DataConfig config;
    config.train = {text_source(scratch.file("train.jsonl", lines_of_lengths(lengths)))};
    return config;
  }
  static std::vector<Document> documents(const Dataset& dataset, DataReport& report) {
    return dataset.documents(dataset.order(1, 0, false), report);
  }
  static std::vector<int64_t> sizes(const std::vector<Document>& documents) {
    std::vector<int64_t> sizes;
    for (const auto& document : documents) sizes.push_back(int64_t(document.tokens.size()));
    return sizes;
  }
  Scratch scratch;
  DataReport report;
};

TEST_F(DatasetTest, DropsWhatIsTooLong) {
  DataConfig config = config_of({3, 9, 10, 20});
  config.max_length = 10;
  EXPECT_THAT(sizes(documents(*load(config).train, report)), ElementsAre(4, 10));
  EXPECT_EQ(report, (DataReport{.records = 4,
                                .documents = 2,
                                .tokens = 14,
                                .loss_tokens = 12,
                                .longest = 21,
                                .too_long = 2}));
  EXPECT_THAT(report.summary(),
              HasSubstr("2 dropped as longer than max_length (the longest has 21"));
}

TEST_F(DatasetTest, TruncatesUnlessNothingIsLeftToLearn) {
  const auto path = scratch.file("t.jsonl", R"({"tokens": [1, 2, 3], "loss_mask": [0, 1, 1]}
{"tokens": [1, 2, 3], "loss_mask": [0, 0, 1]}
{"tokens": [1, 2], "loss_mask": [1, 0]}
{"tokens": [1], "loss_mask": [1]}
{"tokens": [5, 6], "loss_mask": [0, 1]}
)");
  DataConfig config;
  config.train = {text_source(path)};
  config.train[0].format = "tokens";
  config.max_length = 2;
  config.too_long = TooLong::kTruncate;
  const std::vector<Document> read = documents(*load(config).train, report);
  ASSERT_THAT(read, SizeIs(2));
  EXPECT_THAT(read[0].tokens, ElementsAre(1, 2));
  EXPECT_THAT(read[0].is_target, ElementsAre(false, true));
  EXPECT_EQ(read[1].sample.record, 4);
  EXPECT_EQ(report, (DataReport{.records = 5,
                                .documents = 2,
                                .tokens = 4,
                                .loss_tokens = 2,
                                .longest = 3,
                                .without_loss = 2,
                                .truncated = 1,
                                .truncated_away = 1}));
}

TEST_F(DatasetTest, SplitsIntoPieces) {
  DataConfig config = config_of({9, 10, 2});
  config.max_length = 5;
  config.too_long = TooLong::kSplit;
  const auto data = load(config).train;
  const std::vector<Document> read = documents(*data, report);
  // 10 = 5 + 5; 11 = 5 + 5 + 1, and one token alone has nothing to learn; 3.
  EXPECT_THAT(sizes(read), ElementsAre(5, 5, 5, 5, 3));
  EXPECT_EQ(read[1].sample.part, 1);
  EXPECT_EQ(data->place(read[1].sample), config.train[0].path + ":1, part 1");
  EXPECT_EQ(data->place(read[4].sample), config.train[0].path + ":3");
  EXPECT_EQ(read[1].tokens.back(), kEos);
  EXPECT_EQ(read[4].sample.part, 0);
  EXPECT_EQ(report.split, 2);
  EXPECT_EQ(report.without_loss, 1);
  EXPECT_EQ(report.documents, 5);
}

TEST_F(DatasetTest, OneOfAKindIsNoPlural) {
  documents(*load(config_of({1})).train, report);
  EXPECT_EQ(report.summary(), "1 record: 1 document, 2 tokens (1 in the loss)");
}

TEST_F(DatasetTest, KeysNameTheContent) {
  const auto path = scratch.file("t.jsonl", R"({"tokens": [1, 2, 3], "loss_mask": [0, 1, 1]}
{"tokens": [1, 2, 3], "loss_mask": [1, 1, 1]}
{"tokens": [1, 2, 3], "loss_mask": [0, 0, 1]}
{"tokens": [1, 2, 4], "loss_mask": [0, 1, 1]}
)");
  DataConfig config;
  config.train = {text_source(path)};
  config.train[0].format = "tokens";
  const auto read = documents(*load(config).train, report);
  EXPECT_EQ(read[0].sample.content, read[1].sample.content);  // nothing predicts the first token
  EXPECT_NE(read[0].sample.content, read[2].sample.content);
  EXPECT_NE(read[0].sample.content, read[3].sample.content);
}

TEST_F(DatasetTest, OrdersAnEpoch) {
  const auto data = load(config_of(std::vector<int>(100, 3))).train;
  const auto records = [](const std::vector<Dataset::Sample>& samples) {
    std::vector<uint32_t> numbers;
    for (const auto& sample : samples) numbers.push_back(sample.record);
    return numbers;
  };
  std::vector<uint32_t> in_order(100);
  std::iota(in_order.begin(), in_order.end(), 0U);
  EXPECT_EQ(records(data->order(1, 0, false)), in_order);
  const auto first = records(data->order(1, 0, true));
  EXPECT_NE(first, in_order);
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 100U);
  EXPECT_EQ(records(data->order(1, 0, true)), first);
  EXPECT_NE(records(data->order(1, 1, true)), first);
  EXPECT_NE(records(data->order(2, 0, true)), first);
}

TEST_F(DatasetTest, WeightsRepeatAndDraw) {
  DataConfig config = config_of(std::vector<int>(40, 3));
  config.train.push_back(text_source(scratch.file("b.jsonl", lines_of_lengths({5, 5}))));
  config.train[0].weight = 0.25;
  config.train[1].weight = 2.5;
  const auto data = load(config).train;
  EXPECT_EQ(data->record_count(), 42);
  const auto count = [&](int64_t epoch, uint32_t source) {
    std::vector<uint32_t> records;
    for (const auto& sample : data->order(1, epoch, false)) {
      if (sample.source == source) records.push_back(sample.record);
    }
    return records;
  };
  const auto first = count(0, 0);
  EXPECT_THAT(first, SizeIs(10));
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 10U);
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
  EXPECT_EQ(count(0, 0), first);
  EXPECT_NE(count(1, 0), first);
  const auto repeated = count(0, 1);
  EXPECT_THAT(repeated, SizeIs(5));
  EXPECT_EQ(std::set(repeated.begin(), repeated.end()).size(), 2U);
}

TEST_F(DatasetTest, LimitTakesTheFirstRecords) {
  DataConfig config = config_of({1, 2, 3, 4});
  config.train[0].limit = 2;
  EXPECT_THAT(sizes(documents(*load(config).train, report)), ElementsAre(2, 3));
}

std::set<std::string> texts(const Dataset& dataset) {
  DataReport report;
  std::set<std::string> texts;
  for (const auto& document : dataset.documents(dataset.order(0, 0, false), report)) {
    texts.insert(whole(document));
  }
  return texts;
}

TEST_F(DatasetTest, HoldsOutByContent) {
  const auto file = [&](int count, bool reversed) {
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) lines.push_back("{\"text\": \"" + std::to_string(i) + "\"}\n");
    if (reversed) std::reverse(lines.begin(), lines.end());
    std::string content;
    for (const auto& line : lines) content += line;
    return scratch.file("r.jsonl", content);
  };
  DataConfig config;
  config.test_size = 0.1;
  config.train = {text_source(file(1000, false))};
  config.train[0].weight = 3;
  const DataSplits small = load(config);
  const auto held = texts(*small.eval);
  EXPECT_NEAR(double(held.size()), 100.0, 30.0);
  const auto trained = texts(*small.train);
  EXPECT_EQ(held.size() + trained.size(), 1000U);
  EXPECT_EQ(small.eval->order(0, 0, false).size(), held.size()) << "weights do not repeat it";

  config.train = {text_source(file(2000, true))};
  const auto more = texts(*load(config).eval);
  EXPECT_TRUE(std::includes(more.begin(), more.end(), held.begin(), held.end()));
  const auto still_trained = texts(*load(config).train);
  for (const auto& text : trained) EXPECT_TRUE(still_trained.contains(text));

  config.train[0].limit = 2;
  EXPECT_THAT(data_error([&] { load(config); }),
              AllOf(HasSubstr("data.test_size leaves"), HasSubstr("data.test_size=0")));
}

TEST_F(DatasetTest, HeldOutDocumentsMayBeCut) {
  DataConfig config = config_of({3, 9});
  config.eval = {text_source(scratch.file("eval.jsonl", lines_of_lengths({3, 9})))};
  config.max_length = 8;
  config.eval_max_length = 6;
  const DataSplits splits = load(config);
  EXPECT_THAT(sizes(documents(*splits.train, report)), ElementsAre(4));
  EXPECT_THAT(sizes(documents(*splits.eval, report)), ElementsAre(4, 6));
}

TEST_F(DatasetTest, NamesABadRecordOrSkipsIt) {
  DataConfig config;
  config.train = {
      text_source(scratch.file("t.jsonl", "{\"text\": \"a\"}\n\n{\"text\": 5}\n{oops\n"))};
  const auto path = (scratch / "t.jsonl").string();
  EXPECT_EQ(data_error([&] { documents(*load(config).train, report); }),
            path + ":3: the column 'text': expected a string, found 5");
  report = {};
  config.on_bad_record = OnBadRecord::kSkip;
  EXPECT_THAT(sizes(documents(*load(config).train, report)), ElementsAre(2));
  EXPECT_EQ(report.bad_records, 2);
  EXPECT_EQ(report.records, 3);
}

TEST_F(DatasetTest, TheFirstOfManyBadRecordsIsNamed) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += i < 100 ? "{\"text\": \"a\"}\n" : "{}\n";
  DataConfig config;
  config.train = {text_source(scratch.file("t.jsonl", text))};
  for (int round = 0; round < 20; ++round) {
    EXPECT_THAT(data_error([&] { documents(*load(config).train, report); }),
                HasSubstr("jsonl:101: "));
  }
}

TEST_F(DatasetTest, CachedDocumentsAreTheSame) {
  const auto data = load(config_of({3, 1, 7})).train;
  const auto first = documents(*data, report);
  DataReport again;
  const auto second = documents(*data, again);
  EXPECT_EQ(report, again);
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].tokens, second[i].tokens);
    EXPECT_EQ(first[i].is_target, second[i].is_target);
    EXPECT_EQ(first[i].sample.content, second[i].sample.content);
    EXPECT_EQ(first[i].sample.record, second[i].sample.record);
  }
}

TEST_F(DatasetTest, HashesTheFiles) {
  const auto hash = [&](const std::vector<int>& lengths) {
    return load(config_of(lengths)).train->hash();
  };
  EXPECT_EQ(hash({1, 2}), hash({1, 2}));
  EXPECT_NE(hash({1, 2}), hash({2, 1}));
}

}  // namespace
}  // namespace distill
