#include "train/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <new>

#include "distill/core/error.h"
#include "unit/train/fake_source.h"

namespace distill {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(NotFiniteAdvice, NamesSomeRecordsAndTheWayOut) {
  const tests::FakeSource source(3);
  std::vector<SampleRef> samples(20);
  for (size_t i = 0; i < samples.size(); ++i) samples[i].record = static_cast<int64_t>(i);
  const std::string text = not_finite_advice(samples, source, 12);
  EXPECT_THAT(text, HasSubstr("\n  data.jsonl:1\n"));
  EXPECT_THAT(text, HasSubstr("\n  data.jsonl:16\n  and 4 more\n"));
  EXPECT_THAT(text, Not(HasSubstr("data.jsonl:17")));
  EXPECT_THAT(text, HasSubstr("goes on from step 12"));
  EXPECT_THAT(not_finite_advice({}, source, std::nullopt), HasSubstr("starts again"));
}

TEST(OutOfMemoryAdvice, NamesTheLargestPartsAndTheKeys) {
  const std::string text = out_of_memory_advice(
      {{"gradients", 3000}, {"activations", 9000}, {"moments", 6000}, {"weights", 1000}});
  EXPECT_THAT(text, HasSubstr("\n  activations: 9.0 KB\n  moments: 6.0 KB\n  gradients: 3.0 KB\n"));
  EXPECT_THAT(text, Not(HasSubstr("weights:")));
  for (const char* key : {"train.micro_batch_size", "data.max_length", "gradient_checkpointing"}) {
    EXPECT_THAT(text, HasSubstr(key));
  }
}

TEST(WithMemoryAdvice, NamesWhatWasBeingDone) {
  const auto failure = [](const std::function<void()>& work) -> std::string {
    try {
      with_memory_advice("the models were loaded", {{"weights", 7000}}, work);
    } catch (const TrainingError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(failure([] {}), "no error");
  const std::string text = failure([] { throw std::bad_alloc(); });
  EXPECT_THAT(text, HasSubstr("out of memory while the models were loaded: the run was estimated"));
  EXPECT_THAT(text, HasSubstr("\n  weights: 7.0 KB\n"));
  EXPECT_THROW(failure([] { throw DataError("no weights"); }), DataError);
}

}  // namespace
}  // namespace distill
