// Mappings, lists of mappings and variants: what is missing, unknown, misplaced or of a wrong kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_config.h"

namespace distill::sample {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Sections, AllProblemsAtOnceInTheOrderOfTheFile) {
  EXPECT_THAT(
      problems_of("optimizer:\n"
                  "  learning_rat: 1\n"
                  "  betas: [a]\n"
                  "run:\n"
                  "  seed: x\n"
                  "  seed: 2\n"
                  "objective:\n"
                  "  - {type: kl}\n"
                  "  - {weight: 1}\n",
                  {"train.batch_size=4", "run.dtype=int8", "oops"}),
      ElementsAre(
          "f.yaml:2:3: optimizer.learning_rat: unknown key; did you mean 'learning_rate'?",
          "f.yaml:3:11: optimizer.betas.0: expected a number, found 'a'",
          "f.yaml:5:3: run.output_dir: missing required key",
          "f.yaml:5:9: run.seed: expected an integer, found 'x'",
          "f.yaml:6:3: run.seed: duplicate key, first on line 5",
          "f.yaml:8:12: objective.0.type: expected one of cross_entropy, forward_kl, reverse_kl, "
          "found 'kl'; did you mean 'forward_kl'?",
          "f.yaml:9:5: objective.1.type: missing required key, one of cross_entropy, forward_kl, "
          "reverse_kl",
          "command line: train.batch_size: unknown key; did you mean 'train.micro_batch_size'?",
          "command line: run.dtype: expected one of auto, float32, bfloat16, found 'int8'",
          "command line: expected key.path=value, found 'oops'"));
}

TEST(Sections, AnAbsentSectionMissesItsRequiredKeys) {
  EXPECT_THAT(problems_of("data: {}"),
              ElementsAre("f.yaml:1:1: run.output_dir: missing required key"));
}

TEST(Sections, WrongKinds) {
  EXPECT_THAT(problems_of("run: [a]\ndata: 3\noptimizer:\ntrain:\n  - 1\nobjective: {type: x}\n"),
              ElementsAre("f.yaml:1:6: run: expected a mapping, found a list",
                          "f.yaml:2:7: data: expected a mapping, found '3'",
                          "f.yaml:3:1: optimizer: expected a mapping, found null",
                          "f.yaml:5:3: train: expected a mapping, found a list",
                          "f.yaml:6:12: objective: expected a list of mappings, found a mapping"));
  EXPECT_THAT(problems_after_run("objective: [forward_kl]"),
              ElementsAre("f.yaml:2:13: objective.0: expected a mapping, found 'forward_kl'"));
}

TEST(Sections, UnknownKeysAreNamedWithWhatWasMeant) {
  const auto hint = [](const std::string& text) {
    const std::vector<std::string> problems = problems_after_run(text);
    return problems.size() == 1 ? problems[0] : testing::PrintToString(problems);
  };
  EXPECT_EQ(hint("trian: {}"), "f.yaml:2:1: trian: unknown key; did you mean 'train'?");
  EXPECT_EQ(hint("lr: 1"), "f.yaml:2:1: lr: unknown key; did you mean 'optimizer.learning_rate'?");
  EXPECT_EQ(hint("optimizer: {LR: 1}"),
            "f.yaml:2:13: optimizer.LR: unknown key; did you mean 'optimizer.learning_rate'?");
  EXPECT_EQ(hint("kd-ratio: 1"),
            "f.yaml:2:1: kd-ratio: unknown key; did you mean 'objective.N.weight'?");
  EXPECT_EQ(hint("per_device_train_batch_size: 1"),
            "f.yaml:2:1: per_device_train_batch_size: unknown key; "
            "did you mean 'train.micro_batch_size'?");
  // The right name in the wrong place.
  EXPECT_EQ(hint("train: {temperature: 1}"),
            "f.yaml:2:9: train.temperature: unknown key; did you mean 'objective.N.temperature'?");
  // `path` stands in several places, and `warmup` in none of this schema.
  EXPECT_EQ(hint("path: x"), "f.yaml:2:1: path: unknown key");
  EXPECT_EQ(hint("warmup: 3"), "f.yaml:2:1: warmup: unknown key");
  // The keys of the entry that is named, not those of all entries.
  EXPECT_EQ(hint("objective: [{type: cross_entropy, temperature: 2}]"),
            "f.yaml:2:35: objective.0.temperature: unknown key; "
            "did you mean 'objective.N.temperature'?");
}

TEST(Sections, CrossFieldProblems) {
  EXPECT_THAT(problems_after_run("optimizer: {betas: [0.5], layers: [1], note: x}"),
              ElementsAre("f.yaml:2:12: optimizer: 'layers' and 'note' exclude each other",
                          "f.yaml:2:20: optimizer.betas: expected 2 values, found 1"));
}

TEST(Sections, OptionalSections) {
  EXPECT_FALSE(read("").extra.has_value());
  EXPECT_FALSE(read("extra: null").extra.has_value());
  EXPECT_EQ(read("extra: {path: x}").extra->path, "x");
  EXPECT_THAT(problems_after_run("extra: {}"),
              ElementsAre("f.yaml:2:8: extra.path: missing required key"));

  Config config;
  config.extra.emplace().path = "default";
  ConfigFile::parse("run: {output_dir: o}\nextra: {limit: 3, path: y}", "f").read(config.visitor());
  EXPECT_EQ(config.extra->path, "y");
  ConfigFile::parse("run: {output_dir: o}\nextra: ~", "f").read(config.visitor());
  EXPECT_FALSE(config.extra.has_value());
}

TEST(Sections, VariantsTakeTheTypeThatIsNamed) {
  const Config config = read(
      "teacher: {type: ensemble, members: [{type: live, path: a}, {type: live, path: b}]}\n"
      "objective:\n- {type: cross_entropy, weight: 0.5}\n- {type: reverse_kl, temperature: 2}\n");
  const auto* ensemble = dynamic_cast<const EnsembleTeacher*>(config.teacher.get());
  ASSERT_NE(ensemble, nullptr);
  ASSERT_EQ(ensemble->members.size(), 2u);
  EXPECT_EQ(dynamic_cast<const LiveTeacher&>(*ensemble->members[1].value).path, "b");
  EXPECT_EQ(config.objective[0].value->weight, 0.5);
  EXPECT_EQ(dynamic_cast<const ReverseKl&>(*config.objective[1].value).temperature, 2);
}

TEST(Sections, VariantsThatAreOptionalOrHaveADefault) {
  EXPECT_EQ(read("").teacher, nullptr);
  EXPECT_EQ(read("teacher: null").teacher, nullptr);
  EXPECT_THAT(
      problems_after_run("teacher: {path: x}"),
      ElementsAre("f.yaml:2:10: teacher.type: missing required key, one of live, ensemble"));

  std::string type = "forward_kl";
  std::unique_ptr<Loss> loss;
  const Registry<Loss> registry = losses();
  const auto fields = [&](Section& section) { section.variant("loss", loss, type, registry, {}); };
  ConfigFile::parse("{}", "f").read(fields);
  EXPECT_NE(dynamic_cast<ForwardKl*>(loss.get()), nullptr);
  ConfigFile::parse("loss: {type: cross_entropy}", "f").read(fields);
  EXPECT_EQ(type, "cross_entropy");
  EXPECT_NE(dynamic_cast<CrossEntropy*>(loss.get()), nullptr);

  std::string none;
  EXPECT_THROW(ConfigFile::parse("{}", "f").read([&](Section& section) {
    section.variant("loss", loss, none, registry, {.required = true});
  }),
               ConfigError);
}

TEST(Sections, AListReplacesTheDefaultWhole) {
  Config config;
  config.data.train.resize(2);
  config.data.train[0].limit = 5;
  ConfigFile::parse("run: {output_dir: o}\ndata: {train: [{path: a}]}", "f").read(config.visitor());
  ASSERT_EQ(config.data.train.size(), 1u);
  EXPECT_EQ(config.data.train[0].limit, std::nullopt);
}

}  // namespace
}  // namespace distill::sample
