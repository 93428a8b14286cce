// Overrides of the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_config.h"

namespace distill::sample {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kTwoLosses =
    "objective:\n- {type: cross_entropy}\n- {type: forward_kl, temperature: 2}\n";

TEST(Overrides, ReplaceValues) {
  const Config config =
      read(kTwoLosses,
           {"objective.1.temperature=4", "objective.0.type=reverse_kl",
            "optimizer.learning_rate=1e-5", "run.output_dir=a=b", "run.seed=1", "run.seed=2"});
  EXPECT_EQ(dynamic_cast<ForwardKl&>(*config.objective[1].value).temperature, 4);
  EXPECT_NE(dynamic_cast<ReverseKl*>(config.objective[0].value.get()), nullptr);
  EXPECT_EQ(config.optimizer.learning_rate, 1e-5);
  EXPECT_EQ(config.run.output_dir, "a=b");
  EXPECT_EQ(config.run.seed, 2);
}

TEST(Overrides, ReplaceListsAndMappings) {
  const Config config =
      read(kTwoLosses, {"objective=[{type: reverse_kl}]", "optimizer.betas=[0, 0]",
                        "train={num_epochs: 3}", "train.micro_batch_size=5"});
  ASSERT_EQ(config.objective.size(), 1u);
  EXPECT_THAT(config.optimizer.betas, ElementsAre(0, 0));
  EXPECT_EQ(config.train.num_epochs, 3);
  EXPECT_EQ(config.train.micro_batch_size, 5);
}

TEST(Overrides, MakeWhatIsAbsent) {
  const Config config =
      read("extra: null\n",
           {"objective.0.type=forward_kl", "objective.1={type: cross_entropy}", "teacher.type=live",
            "teacher.path=t", "extra.path=x", "optimizer.betas.0=0.5", "optimizer.betas.1=0.75"});
  ASSERT_EQ(config.objective.size(), 2u);
  EXPECT_EQ(config.objective[1].type, "cross_entropy");
  EXPECT_EQ(dynamic_cast<LiveTeacher&>(*config.teacher).path, "t");
  EXPECT_EQ(config.extra->path, "x");
  EXPECT_THAT(config.optimizer.betas, ElementsAre(0.5, 0.75));
}

TEST(Overrides, NullEmptiesOptionals) {
  const Config config =
      read("extra: {path: x}\ndata: {test_size: 0.5}\nteacher: {type: live, path: t}",
           {"extra=", "data.test_size=null", "teacher=~"});
  EXPECT_FALSE(config.extra.has_value());
  EXPECT_FALSE(config.data.test_size.has_value());
  EXPECT_EQ(config.teacher, nullptr);
}

TEST(Overrides, Malformed) {
  for (const char* text : {"", "x", "=1", "a.=1", ".a=1", "a..b=1"}) {
    EXPECT_THAT(
        problems_after_run("", {text}),
        ElementsAre(std::string("command line: expected key.path=value, found '") + text + "'"));
  }
  EXPECT_THAT(
      problems_after_run("", {"run.seed=[1"}),
      ElementsAre("command line: run.seed: not valid YAML: end of sequence flow not found"));
  EXPECT_THAT(problems_after_run("", {"run={seed: 1, seed: 2, output_dir: o}"}),
              ElementsAre("command line: run.seed: duplicate key"));
}

TEST(Overrides, Paths) {
  EXPECT_THAT(problems_after_run(kTwoLosses, {"objective.3.weight=1"}),
              ElementsAre("command line: objective.3: objective is a list of 2, expected an index "
                          "from 0 to 2, found '3'"));
  EXPECT_THAT(problems_after_run(kTwoLosses, {"objective.last.weight=1"}),
              ElementsAre("command line: objective.last: objective is a list of 2, expected an "
                          "index from 0 to 2, found 'last'"));
  EXPECT_THAT(problems_after_run("", {"objective.1.type=cross_entropy"}),
              ElementsAre("command line: objective.1: objective is a list of 0, expected an index "
                          "from 0 to 0, found '1'"));
  EXPECT_THAT(problems_after_run("", {"run.output_dir.x=1"}),
              ElementsAre("command line: run.output_dir.x: run.output_dir is 'out', which has no "
                          "keys"));
}

TEST(Overrides, AreNamedInMessages) {
  EXPECT_THAT(problems_after_run(kTwoLosses, {"optimzer.betas=[1]", "run.seed=-1",
                                              "objective.0.temprature=1", "teacher.type=live"}),
              ElementsAre("command line: optimzer: unknown key; did you mean 'optimizer'?",
                          "command line: run.seed: must be >= 0, found -1",
                          "command line: objective.0.temprature: unknown key",
                          "command line: teacher.path: missing required key"));
}

}  // namespace
}  // namespace distill::sample
