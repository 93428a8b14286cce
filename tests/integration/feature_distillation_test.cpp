// A student of another width that learns from the teacher's hidden states, through a projector that
// is trained, kept in checkpoints and not exported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "integration/story_run.h"

namespace distill::integration {
namespace {

using testing::HasSubstr;

std::string narrow_student(const Scratch& scratch) {
  return scratch
      .write("narrow.json", R"({"model_type": "llama", "vocab_size": 512, "hidden_size": 32,
          "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2, "max_position_embeddings": 128, "bos_token_id": 1,
          "eos_token_id": 2})")
      .string();
}

std::vector<std::string> feature_run(const Scratch& scratch, const fs::path& output,
                                     const std::vector<std::string>& more) {
  std::vector<std::string> all = {
      "student={config: " + narrow_student(scratch) + ", tokenizer: data/stories260K}",
      "objective=[{type: cross_entropy}, {type: hidden_mse, layers: [{student: 1, teacher: 3}, "
      "{student: 2, teacher: 5}]}]",
      "train.max_steps=6", "train.save_steps=3", "train.eval_steps=3"};
  all.insert(all.end(), more.begin(), more.end());
  return train(story_run(scratch), output, all);
}

TEST(FeatureDistillation, TrainsAProjectorThatIsResumedAndNotExported) {
  const Scratch scratch;
  const Result whole = run(feature_run(scratch, scratch / "whole", {}));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const fs::path cut = scratch / "cut";
  ASSERT_EQ(run(feature_run(scratch, cut, {})).exit_code, 0);
  fs::remove_all(cut / "checkpoint-6");
  fs::remove_all(cut / "final");
  const Result resumed = run(feature_run(scratch, cut, {"--resume", "auto"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("checkpoint-3 at step 3"));
  const auto same = [&](const std::string& file) {
    return slurp(scratch / "whole" / file) == slurp(cut / file);
  };
  EXPECT_TRUE(same("final/model.safetensors"));
  EXPECT_TRUE(same("checkpoint-6/trainer/optimizer.safetensors"));
  EXPECT_EQ(losses(scratch / "whole"), losses(cut));
  const std::string trained = slurp(cut / "checkpoint-6/trainer/optimizer.safetensors");
  EXPECT_THAT(trained, HasSubstr("master.objective.hidden_mse.projector.1.weight"));
  EXPECT_EQ(slurp(cut / "final/model.safetensors").find("projector"), std::string::npos);
}

TEST(FeatureDistillation, TheLossFallsAndIsMeasuredOnHeldOutText) {
  const Scratch scratch;
  const Result result = run(feature_run(scratch, scratch / "run",
                                        {"train.eval_at_start=true", "train.max_steps=20",
                                         "train.eval_steps=20", "train.save_steps=0"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::vector<double> evaluated, trained;
  for (const std::string& line : losses(scratch / "run")) {
    const Json event = parse_json(line, "events.jsonl");
    if (event.contains("eval_loss")) evaluated.push_back(event["eval_loss"]);
    if (event.contains("hidden_mse")) trained.push_back(event["hidden_mse"]);
  }
  ASSERT_EQ(evaluated.size(), 2U);
  EXPECT_LT(evaluated[1], evaluated[0]);
  EXPECT_LT(trained.back(), trained.front());
  // final/ has no projector to measure it with.
  const Result eval =
      run({"eval", "--config", (scratch / "run.yaml").string(),
           "run.output_dir=" + (scratch / "run").string(),
           "student={config: " + narrow_student(scratch) + ", tokenizer: data/stories260K}",
           "objective=[{type: cross_entropy}, {type: hidden_mse}]"});
  ASSERT_EQ(eval.exit_code, 0) << eval.err;
  EXPECT_THAT(eval.err, HasSubstr("loss: not measured"));
}

TEST(FeatureDistillation, WhatAModelDoesNotHaveIsNamedBeforeAnythingIsLoaded) {
  const Scratch scratch;
  const auto validate = [&](const std::string& objective) {
    auto arguments = feature_run(scratch, scratch / "run", {"objective=[" + objective + "]"});
    arguments[0] = "validate";
    return run(arguments);
  };
  const Result layer = validate("{type: hidden_mse, layers: [{student: 3, teacher: 5}]}");
  EXPECT_EQ(layer.exit_code, 2);
  EXPECT_THAT(layer.err, HasSubstr("hidden_mse: layers.0.student: the hidden state of layer 3 is "
                                   "not there: the student has layers up to 2"));
  const Result width = validate("{type: hidden_mse, projector: none}");
  EXPECT_EQ(width.exit_code, 2);
  EXPECT_THAT(width.err, HasSubstr("the student's width is 32, the teacher's 64"));
  const Result good = validate("{type: hidden_mse}");
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("features of both models"));
  EXPECT_THAT(good.out, HasSubstr("2112 parameters, trained and not exported"));
}

TEST(FeatureDistillation, ARunThatCannotLearnIsRefused) {
  const Scratch scratch;
  const auto validate = [&](const std::string& freeze, int layer) {
    auto arguments = feature_run(
        scratch, scratch / "run",
        {"student.freeze=[" + freeze + "]", "objective=[{type: hidden_mse, layers: [{student: " +
                                                std::to_string(layer) + ", teacher: 5}]}]"});
    arguments[0] = "validate";
    return run(arguments);
  };
  EXPECT_EQ(validate("embed", 1).exit_code, 0);
  const Result above = validate("embed, layers.0", 1);
  EXPECT_EQ(above.exit_code, 2);
  EXPECT_THAT(above.err, HasSubstr("no gradient reaches what trains of the student"));
  EXPECT_EQ(validate("embed, layers.0", 2).exit_code, 0);
  EXPECT_EQ(validate("embed", 0).exit_code, 2);
}

TEST(FeatureDistillation, AMissingTeacherIsWhatIsMissing) {
  const Scratch scratch;
  auto arguments =
      feature_run(scratch, scratch / "run",
                  {"teacher.path=/nope", "objective=[{type: hidden_mse, projector: linear}]",
                   "optimizer.groups=[{match: projector, lr_scale: 10}]"});
  arguments[0] = "validate";
  const Result result = run(arguments);
  EXPECT_THAT(result.out + result.err, HasSubstr("/nope: there is no such folder"));
  EXPECT_EQ(result.exit_code, 1) << result.err;
}

TEST(FeatureDistillation, NeedsATeacher) {
  const Scratch scratch;
  const Result result = run(feature_run(scratch, scratch / "run", {"teacher=null"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("hidden_mse needs a teacher, and there is none"));
}

}  // namespace
}  // namespace distill::integration
