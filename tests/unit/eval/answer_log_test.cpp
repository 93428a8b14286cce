#include "distill/eval/answer_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "unit/io/scratch.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

GenerationIdentity an_identity() {
  return {{{"seed", "42"}, {"temperature", "1"}}, {{"batch_size", "64"}, {"threads", "2"}}};
}

GeneratedText a_text(const std::string& prompt, const std::string& completion) {
  return {.prompt = prompt, .completion = completion, .tokens = 2, .finished = true};
}

class AnswerLogs : public testing::Test {
 protected:
  AnswerLog open(const GenerationIdentity& identity, bool overwrite = false) const {
    return {path_, identity, 4, overwrite};
  }
  /// Two of four answers.
  void write_two() const {
    AnswerLog log = open(an_identity());
    log.append(2, {7, 8}, a_text("two?", "two!"));
    log.append(0, {9, 2}, a_text("", "nought"));
  }
  std::string warning_of(const GenerationIdentity& identity) const {
    testing::internal::CaptureStderr();
    open(identity);
    return testing::internal::GetCapturedStderr();
  }

  Scratch scratch_;
  std::filesystem::path path_ = scratch_ / "out.jsonl.partial";
};

TEST_F(AnswerLogs, GivesBackWhatWasWritten) {
  write_two();
  const AnswerLog log = open(an_identity());
  EXPECT_THAT(log.answers(),
              ElementsAre(ElementsAre(9, 2), IsEmpty(), ElementsAre(7, 8), IsEmpty()));
  EXPECT_EQ(log.done(), 2u);
  EXPECT_EQ(log.summary(), "2 of 4 answers are kept in " + path_.string());
}

TEST_F(AnswerLogs, ALineHasWhatTheOutputWillHave) {
  write_two();
  EXPECT_THAT(
      read_file(path_),
      HasSubstr("\n{\"index\":2,\"ids\":[7,8],\"prompt\":\"two?\",\"completion\":\"two!\"}\n"
                "{\"index\":0,\"ids\":[9,2],\"text\":\"nought\"}\n"));
}

TEST_F(AnswerLogs, AnotherIdentityIsRefusedByName) {
  write_two();
  GenerationIdentity other = an_identity();
  other.text = {{"seed", "42"}, {"temperature", "0.5"}, {"top_k", "3"}};
  const std::string before = read_file(path_);
  const std::string message = data_error([&] { open(other); });
  EXPECT_THAT(message, HasSubstr("\n  temperature: 1 in the file, 0.5 now\n"
                                 "  top_k: (not set) in the file, 3 now\n"));
  EXPECT_THAT(message, Not(HasSubstr("seed")));
  EXPECT_THAT(message, HasSubstr("--overwrite"));
  EXPECT_EQ(read_file(path_), before);
  EXPECT_EQ(open(an_identity(), /*overwrite=*/true).done(), 2u);  // nothing to drop
  EXPECT_EQ(open(other, /*overwrite=*/true).done(), 0u);
  open(other).append(0, {1}, a_text("", "x"));
  EXPECT_THAT(data_error([&] { open(an_identity()); }),
              HasSubstr("temperature: 0.5 in the file, 1 now"));
}

TEST_F(AnswerLogs, AnotherIdentityIsWelcomeWhereThereIsNoAnswer) {
  open(an_identity());
  GenerationIdentity other = an_identity();
  other.text.pop_back();
  EXPECT_EQ(open(other).done(), 0u);
  open(other).append(1, {3}, a_text("", "x"));
  EXPECT_EQ(open(other).done(), 1u);
}

TEST_F(AnswerLogs, AnotherRoundingIsSaid) {
  write_two();
  EXPECT_EQ(warning_of(an_identity()), "");
  GenerationIdentity other = an_identity();
  other.rounding.front().second = "32";
  EXPECT_THAT(warning_of(other), HasSubstr("\n  batch_size: 64 in the file, 32 now\n"));
}

TEST_F(AnswerLogs, WhatIsNotWholeIsGeneratedAgain) {
  write_two();
  const std::string whole = read_file(path_);
  const size_t last = whole.rfind("{\"index\":0");
  for (size_t size = last; size < whole.size(); ++size) {
    scratch_.file("out.jsonl.partial", whole.substr(0, size));
    EXPECT_EQ(open(an_identity()).done(), 1u) << size;
  }
  scratch_.file("out.jsonl.partial", whole +
                                         "{\"index\":1,\"ids\":[]}\n{\"index\":4,\"ids\":[1]}\n"
                                         "{\"index\":-1,\"ids\":[1]}\n{\"ind\n{\"ids\":[1]}\n");
  EXPECT_THAT(warning_of(an_identity()), HasSubstr("5 lines cannot be read"));
  EXPECT_EQ(open(an_identity()).done(), 2u);
}

TEST_F(AnswerLogs, AHeaderThatWasCutOffIsANewFile) {
  write_two();
  scratch_.file("out.jsonl.partial", read_file(path_).substr(0, 20));
  EXPECT_EQ(open(an_identity()).done(), 0u);
  EXPECT_EQ(open(an_identity()).done(), 0u);
}

TEST_F(AnswerLogs, AnythingElseIsLeftAlone) {
  for (const std::string content :
       {"my notes\n", "{\"distill generate\":1}\n",
        "{\"distill generate\":1,\"text\":{\"seed\":42},\"rounding\":{}}\n", "[]\n", "\n"}) {
    scratch_.file("out.jsonl.partial", content);
    EXPECT_THAT(data_error([&] { open(an_identity(), /*overwrite=*/true); }),
                HasSubstr("is not a work file of `distill generate`"));
    EXPECT_EQ(read_file(path_), content);
  }
}

}  // namespace
}  // namespace distill
