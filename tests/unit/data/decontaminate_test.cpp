// Training records that share words with evaluation texts, as a run finds them.
#include <gmock/gmock.h>

#include "distill/data/batch_stream.h"
#include "fakes.h"

namespace distill {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kThirteen =
    "one two three four five six seven eight nine ten eleven twelve end";

class DecontaminateTest : public testing::Test {
 protected:
  DecontaminateTest() {
    config.train = {text_source(
        scratch.file("train.jsonl",
                     line("nothing to find") +
                         line("before, One two: three four five six seven eight nine ten eleven "
                              "twelve END and more") +
                         line("one two three four five six seven eight nine ten eleven twelve")))};
    config.contamination.emplace();
    config.contamination->action = OnContamination::kDrop;
  }
  static std::string line(const std::string& text) { return "{\"text\": \"" + text + "\"}\n"; }
  static std::vector<uint32_t> kept(const Dataset& data) {
    std::vector<uint32_t> records;
    for (const auto& sample : data.order(0, 0, false)) records.push_back(sample.record);
    return records;
  }
  Scratch scratch;
  DataConfig config;
};

TEST_F(DecontaminateTest, DropsWhatSharesWordsWithHeldOutTexts) {
  config.eval = {text_source(scratch.file("eval.jsonl", line(kThirteen)))};
  const auto train = load(config).train;
  EXPECT_THAT(kept(*train), ElementsAre(0, 2));
  EXPECT_EQ(train->before().contaminated, 1);
  const BatchStream stream(train, BatchOptions(config, 8), 1);
  EXPECT_THAT(stream.count_epoch(0).report.summary(),
              HasSubstr("1 left out for words of an evaluation text"));
  config.contamination->ngram = 12;
  EXPECT_THAT(kept(*load(config).train), ElementsAre(0));
}

TEST_F(DecontaminateTest, ReportsWithoutDropping) {
  config.contamination->against = {text_source(scratch.file("bench.jsonl", line(kThirteen)))};
  config.contamination->action = OnContamination::kReport;
  testing::internal::CaptureStderr();
  EXPECT_THAT(kept(*load(config).train), ElementsAre(0, 1, 2));
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      AllOf(HasSubstr("looking for 1 evaluation text"),
            HasSubstr("1 training record has 13 words in a row"),
            HasSubstr("train.jsonl:2 has the words 'One two: three"), HasSubstr("bench.jsonl:1")));
}

TEST_F(DecontaminateTest, StopsAtTheFirst) {
  config.contamination->against = {text_source(scratch.file("bench.jsonl", line(kThirteen)))};
  config.contamination->action = OnContamination::kError;
  EXPECT_THAT(data_error([&] { load(config); }),
              AllOf(HasSubstr("train.jsonl:2 has the words"), HasSubstr("bench.jsonl:1"),
                    HasSubstr("data.contamination.action=drop")));
}

TEST_F(DecontaminateTest, LooksAtTextsWithoutTheirTemplate) {
  config.eval = {text_source(scratch.file(
      "eval.jsonl",
      "{\"messages\": [{\"role\": \"user\", \"content\": \"one two three four five six\"}, "
      "{\"role\": \"assistant\", \"content\": \"seven eight nine ten eleven twelve end\"}]}\n"))};
  config.eval[0].format = "messages";
  EXPECT_THAT(
      kept(*load_data(config, std::make_shared<FakeTokenizer>(), std::make_shared<FakeChat>())
                .train),
      ElementsAre(0, 2));
}

TEST_F(DecontaminateTest, AnEvaluationTextThatCannotBeReadIsNotPassedOver) {
  config.contamination->against = {
      text_source(scratch.file("bench.jsonl", "{\"question\": \"a\"}\n" + line(kThirteen)))};
  EXPECT_THAT(data_error([&] { load(config); }), HasSubstr("bench.jsonl:1: the column 'text'"));
  config.on_bad_record = OnBadRecord::kSkip;
  EXPECT_THAT(kept(*load(config).train), ElementsAre(0, 2));
  config.contamination->against = {text_source(scratch.file("none.jsonl", line("...")))};
  EXPECT_THAT(data_error([&] { load(config); }), HasSubstr("have no words"));
}

TEST_F(DecontaminateTest, FindsWhatItHoldsOutItself) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += line(std::to_string(i) + " " + kThirteen);
  config.train = {text_source(scratch.file("same.jsonl", text))};
  config.test_size = 0.1;
  config.contamination->action = OnContamination::kError;
  EXPECT_THAT(data_error([&] { load(config); }), HasSubstr("training records have 13 words"));
}

}  // namespace
}  // namespace distill
