// The objective of a run's configuration.
#include "distill/train/run_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/train/event_keys.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The problems of a run with these terms.
std::vector<std::string> problems(const std::string& objective,
                                  const std::vector<std::string>& overrides = {}) {
  RunConfig config;
  const std::string text =
      "teacher: {path: t}\nstudent: {path: s}\ndata: {train: [{path: x.jsonl, format: text}]}\n"
      "optimizer: {learning_rate: 1.0e-3}\nobjective: " +
      objective + "\n";
  try {
    ConfigFile::parse(text, "run.yaml", overrides).read([&config](Section& section) {
      config.fields(section);
    });
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

std::string called(const std::string& name) {
  const std::vector<std::string> all =
      problems("[{type: forward_kl}, {type: cross_entropy, name: " + name + "}]");
  return all.size() == 1 ? all[0] : testing::PrintToString(all);
}

TEST(Labels, AKeyOfTheEventsIsNoNameOfATerm) {
  std::vector<std::string> reserved = {"eval_loss", "eval_nll", "eval_forward_kl", "eval_",
                                       "eval_x"};
  reserved.insert(reserved.end(), kEventKeys.begin(), kEventKeys.end());
  for (const std::string& name : reserved) {
    EXPECT_EQ(called(name),
              "run.yaml:5:12: objective: a term is called '" + name +
                  "', which the run's events have as a key of their own: one value would hide the "
                  "other, and a resume reads them; give the term another `name`");
  }
  for (const char* key : {"step", "epoch", "loss", "grad_norm", "learning_rate", "tokens",
                          "tokens_per_second", "loss_tokens", "seconds", "time"}) {
    EXPECT_TRUE(is_event_key(key)) << key;
  }
  for (const char* name : {"hard", "Loss", "loss2", "evaluation", "steps"}) {
    EXPECT_EQ(called(name), "{}") << name;
  }
}

TEST(Labels, NoTypeIsAKeyOfTheEvents) {
  for (const RegistryEntry& entry : objectives().entries()) {
    EXPECT_FALSE(is_event_key(entry.name)) << entry.name;
  }
}

TEST(Labels, TwoTermsHaveTwoNames) {
  EXPECT_THAT(problems("[{type: jsd, name: a}, {type: forward_kl, name: a}]"),
              ElementsAre(HasSubstr("two terms are called 'a'; give one of them a `name`")));
}

TEST(Weights, SomethingIsLearnedAtSomeStep) {
  const auto nothing = ElementsAre(HasSubstr("expected a term with a weight above 0"));
  EXPECT_THAT(problems("[{type: cross_entropy, weight: 0}]"), nothing);
  EXPECT_THAT(problems("[{type: cross_entropy, weight: {from: 0, to: 0}}]"), nothing);
  EXPECT_THAT(problems("[{type: cross_entropy, weight: {from: 0, to: 1}}]"), ElementsAre());
  EXPECT_THAT(problems("[{type: cross_entropy, weight: {from: 1, to: 0, over: 0.3}}]"),
              ElementsAre());
}

TEST(Schedules, AreReadAndOverriddenInARun) {
  const std::string terms =
      "[{type: cross_entropy, weight: {from: 1, to: 0.5, over: 0.3}}, "
      "{type: forward_kl, temperature: 2}]";
  EXPECT_THAT(problems(terms), ElementsAre());
  EXPECT_THAT(problems(terms, {"objective.1.temperature.to=4", "objective.0.weight=1"}),
              ElementsAre());
  EXPECT_THAT(problems(terms, {"objective.0.weight.to=-1", "objective.0.weight.steps=9"}),
              ElementsAre("command line: objective.0.weight.to: must be >= 0, found -1",
                          "command line: objective.0.weight.steps: unknown key; did you mean "
                          "'over'?"));
}

}  // namespace
}  // namespace distill
