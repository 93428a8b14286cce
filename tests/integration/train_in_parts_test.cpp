// `distill train` with parameter groups and frozen parameters, from outside.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distill/io/safetensors.h"
#include "integration/story_run.h"

namespace distill::integration {
namespace {

/// The embedding and the first block are frozen; the others train in two groups.
const std::vector<std::string> kInParts = {
    R"(student.freeze=[embed_tokens, 'layers\.0\.'])",
    R"(optimizer.groups=[{match: mlp, lr_scale: 0.5, weight_decay: 0.1}])"};

std::vector<std::string> in_parts(const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = kInParts;
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(TrainInParts, AKilledRunResumesBitForBitAndLeavesFrozenWeightsAlone) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "whole", kInParts)).exit_code, 0);
  {
    const Process process(train(config, scratch / "killed", kInParts));
    wait_for(scratch / "killed" / "checkpoint-10/trainer/manifest.json");
    process.signal(SIGKILL);
    EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL);
  }
  const Result resumed = run(train(config, scratch / "killed", in_parts({"--resume", "auto"})));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_same_run(scratch / "whole", scratch / "killed");

  const SafetensorsFile teacher("data/stories260K/model.safetensors");
  const SafetensorsFile student(scratch / "whole" / "final/model.safetensors");
  const SafetensorsFile state(scratch / "whole" / "checkpoint-20/trainer/optimizer.safetensors");
  int frozen = 0;
  for (const SafetensorsFile::Entry& entry : student.entries()) {
    SCOPED_TRACE(entry.name);
    std::string origin = entry.name;  // the student's second block was the teacher's fifth
    if (const size_t at = origin.find("layers.1."); at != std::string::npos) origin[at + 7] = '4';
    const bool same = at::equal(student.tensor(entry.name), teacher.tensor(origin));
    const bool trains = state.contains("master." + entry.name);
    EXPECT_NE(same, trains);
    frozen += same ? 1 : 0;
  }
  EXPECT_EQ(frozen, 10);
}

TEST(TrainInParts, AResumeTakesOtherRatesButFreezesNothingElse) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "run", in_parts({"train.max_steps=2"}))).exit_code, 0);
  const Result refused =
      run(train(config, scratch / "run", {"--resume", "auto", "student.freeze=[embed_tokens]"}));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(
      refused.err.find(R"(student.freeze: [embed_tokens, "layers\\.0\\."] in the checkpoint, )"
                       "[embed_tokens] now"),
      std::string::npos)
      << refused.err;
  const Result resumed = run(
      train(config, scratch / "run",
            {"--resume", "auto", "train.max_steps=3", kInParts[0],
             "optimizer.groups=[{match: norm, lr_scale: 2}, {match: self_attn, lr_scale: 1}]"}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST(TrainInParts, FrozenWeightsMustBeThoseThatTheRunBeganWith) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const fs::path student = scratch / "student";
  fs::copy(kSource / "data/stories260K", student, fs::copy_options::recursive);
  const std::vector<std::string> arguments = {
      "student={path: " + student.string() + ", freeze: [embed_tokens]}", "train.max_steps=2"};
  ASSERT_EQ(run(train(config, scratch / "run", arguments)).exit_code, 0);
  {
    std::fstream file(student / "model.safetensors",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-4, std::ios::end);  // the low byte of the last weight, which is 0x6f
    file.put('\x70');
  }
  auto resume = arguments;
  resume.insert(resume.end(), {"--resume", "auto", "train.max_steps=3"});
  const Result resumed = run(train(config, scratch / "run", resume));
  EXPECT_EQ(resumed.exit_code, 1);
  EXPECT_NE(resumed.err.find("frozen weights: "), std::string::npos) << resumed.err;
}

}  // namespace
}  // namespace distill::integration
