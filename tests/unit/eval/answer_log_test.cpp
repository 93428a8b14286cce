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

/// Four answers, of two ids or with a 1 or 3 at the end.
GenerationPlan a_plan() {
  GenerationPlan plan;
  plan.prompts.resize(4);
  plan.sampling.max_new_tokens = 2;
  plan.sampling.stop_ids = {1, 3};
  plan.vocabulary = 10;
  return plan;
}

class AnswerLogs : public testing::Test {
 protected:
  AnswerLog open(const GenerationIdentity& identity, bool overwrite = false) const {
    return {path_, identity, a_plan(), overwrite};
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
}

TEST_F(AnswerLogs, ALineThatIsNoAnswerIsNamed) {
  write_two();
  const std::string whole = read_file(path_);
  const std::string place = "\n  " + path_.string() + ":4:";
  for (const auto& [line, problem] : {
           std::pair{R"({"index":4,"ids":[1]})", " index: expected 0 to 3, found 4"},
           {R"({"index":-1,"ids":[1]})", " index: expected 0 to 3, found -1"},
           {R"({"ids":[1]})", " index: missing"},
           {R"({"ind)", "6: "},  // the column
           {R"([1])", " expected an object, found [1]"},
           {R"({"index":1})", " ids: expected a list, found null"},
           {R"({"index":1,"ids":[]})", " ids: do not end where the options end an answer"},
           {R"({"index":1,"ids":[5]})", " ids: do not end where the options end an answer"},
           {R"({"index":1,"ids":[5,6,1]})", " ids: do not end where the options end an answer"},
           {R"({"index":1,"ids":[5,10]})", " ids: expected token ids below 10, found 10"},
           {R"({"index":1,"ids":[5,-2]})", " ids: expected token ids below 10, found -2"},
           {R"({"index":1,"ids":["a",1]})", " ids: expected token ids below 10, found \"a\""},
       }) {
    scratch_.file("out.jsonl.partial", whole + line + "\n");
    EXPECT_THAT(warning_of(an_identity()), HasSubstr(place + problem));
    EXPECT_EQ(open(an_identity()).done(), 2u);
  }
}

TEST_F(AnswerLogs, OfManySuchLinesSomeAreNamed) {
  write_two();
  std::string whole = read_file(path_);
  for (int i = 0; i < 10; ++i) whole += "{}\n";
  scratch_.file("out.jsonl.partial", whole);
  const std::string warning = warning_of(an_identity());
  EXPECT_THAT(warning, HasSubstr(path_.string() + ":11: index: missing\n  and 2 more"));
  EXPECT_THAT(warning, Not(HasSubstr(path_.string() + ":12:")));
}

TEST_F(AnswerLogs, AHeaderThatWasCutOffIsANewFile) {
  write_two();
  const std::string whole = read_file(path_);
  for (size_t size = 0; size < whole.find('\n'); ++size) {
    scratch_.file("out.jsonl.partial", whole.substr(0, size));
    EXPECT_EQ(open(an_identity()).done(), 0u) << size;
    EXPECT_EQ(open(an_identity()).done(), 0u) << size;
  }
}

TEST_F(AnswerLogs, AnythingElseIsLeftAlone) {
  for (const std::string content :
       {"my notes\n", "my notes", "{\"distill gen\": 1", "{\"distill generate\":1}\n",
        "{\"distill generate\":1,\"text\":{\"seed\":42},\"rounding\":{}}\n", "[]\n", "\n"}) {
    scratch_.file("out.jsonl.partial", content);
    EXPECT_THAT(data_error([&] { open(an_identity(), /*overwrite=*/true); }),
                HasSubstr("is not a work file of `distill generate`"));
    EXPECT_EQ(read_file(path_), content);
  }
}

class FinishedLogs : public AnswerLogs {
 protected:
  void SetUp() override {
    write_two();
    log_ = read_file(path_);
  }
  std::string removed(const std::string& output) const {
    const std::filesystem::path file = scratch_.file("out.jsonl", output);
    testing::internal::CaptureStderr();
    remove_finished_log(path_, file);
    return testing::internal::GetCapturedStderr();
  }
  void expect_kept(const std::string& output) const {
    EXPECT_EQ(removed(output), "");
    EXPECT_EQ(read_file(path_), log_);
  }

  std::string log_;
  std::string output_ = "{\"text\":\"nought\"}\n{\"prompt\":\"two?\",\"completion\":\"two!\"}\n";
};

TEST_F(FinishedLogs, GoOnceTheOutputHasTheirAnswers) {
  expect_kept(output_ + output_);
  expect_kept(output_.substr(0, output_.size() - 1));
  expect_kept("");
  EXPECT_THAT(removed(output_), HasSubstr("removed " + path_.string()));
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(removed(output_), "");
}

TEST_F(FinishedLogs, WithoutAnOutputStay) {
  remove_finished_log(path_, scratch_ / "out.jsonl");
  EXPECT_EQ(read_file(path_), log_);
}

TEST_F(FinishedLogs, AreNotTakenForWhatIsNone) {
  for (const std::string& other : {std::string("notes\n"), log_ + "{\"text\":\"nought\"}\n"}) {
    log_ = other;
    scratch_.file("out.jsonl.partial", other);
    expect_kept(output_);
    expect_kept(other);
  }
}

}  // namespace
}  // namespace distill
