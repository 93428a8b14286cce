// Configurations through the real executable: wrong ones print exactly what is recorded beside
// them.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "integration/distill_process.h"

namespace distill::integration {
namespace {

std::vector<fs::path> yaml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string in_tree(const fs::path& path) { return path.lexically_relative(kSource).string(); }

TEST(Config, EveryWrongOnePrintsItsRecordedMessage) {
  int kinds = 0;
  for (const fs::path& path : yaml_files(kSource / "tests/data/bad_configs")) {
    SCOPED_TRACE(path.filename().string());
    const Result result = run({"validate", "--config", in_tree(path)});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.err, slurp(fs::path(path).replace_extension(".expected")));
    EXPECT_EQ(result.out, "");
    ++kinds;
  }
  EXPECT_GE(kinds, 25);
}

/// The last part of `key: {path: .../name}`; "absent" where there is none.
std::string model_named_in(const std::string& yaml, const std::string& key) {
  std::smatch match;
  const std::regex pattern("(^|\n)" + key + ":[^\n]*path: *[^ ,}]*/([^ ,}/]+)");
  return std::regex_search(yaml, match, pattern) ? match[2].str() : "absent";
}

TEST(Config, EveryShippedOneValidates) {
  int files = 0;
  for (const fs::path& path : yaml_files(kSource / "configs")) {
    if (path.filename() == "generate.yaml") continue;  // a configuration of `distill generate`
    SCOPED_TRACE(path.filename().string());
    std::vector<std::string> command = {"validate", "--config", in_tree(path)};
    // What it says of a model, it reads in config.json: the tree has those of large models.
    for (const char* key : {"teacher", "student"}) {
      const std::string model = model_named_in(slurp(path), key);
      if (fs::exists(kSource / "tests/data/configs" / model)) {
        command.push_back(std::string(key) + ".path=tests/data/configs/" + model);
      }
    }
    const Result result = run(command);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    ++files;
  }
  EXPECT_GE(files, 4);
}

TEST(Config, AnAbsentModelIsNamedWithTheCommandThatFetchesIt) {
  const Result listed = run({"validate", "--config", "configs/qwen_gsm8k.yaml"});
  EXPECT_EQ(listed.exit_code, 1);
  EXPECT_NE(listed.err.find("hf download Qwen/Qwen2-7B-Instruct"), std::string::npos) << listed.err;
  EXPECT_NE(listed.out.find("path: data/gsm8k/train.jsonl.gz"), std::string::npos);
  // Everything else is checked before: a wrong key comes first.
  const Result wrong = run({"validate", "--config", "configs/qwen_gsm8k.yaml", "train.max_step=3"});
  EXPECT_EQ(wrong.exit_code, 2);
  const Scratch scratch;
  const Result train = run({"train", "--config", "configs/qwen_gsm8k.yaml",
                            "run.output_dir=" + (scratch / "run").string(), "run.device=cpu"});
  EXPECT_EQ(train.exit_code, 1);
  EXPECT_NE(train.err.find("hf download Qwen/Qwen2-1.5B-Instruct"), std::string::npos) << train.err;
  EXPECT_FALSE(fs::exists(scratch / "run"));
}

TEST(Config, OverridesReachIntoLists) {
  const Result result = run({"validate", "--config", "configs/tiny/stories.yaml",
                             "objective.1.temperature=4", "optimizer.learning_rate=2e-5"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("temperature: 4.0  # command line"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("learning_rate: 2.0e-05  # command line"), std::string::npos)
      << result.out;
  const Result schedule =
      run({"validate", "--config", "configs/tiny/stories.yaml", "objective.1.temperature.to=4"});
  EXPECT_NE(schedule.out.find("temperature: {from: 2.0, to: 4.0, shape: linear}  # command line"),
            std::string::npos)
      << schedule.out;
  const Result wrong =
      run({"validate", "--config", "configs/tiny/stories.yaml", "objective.1.temperature=hot"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(wrong.err, "command line: objective.1.temperature: expected a number, found 'hot'\n");
}

TEST(Config, ValidateOfAFolderWithoutWeightsCountsParameters) {
  const Scratch scratch;
  const Result result = run({"validate", "--config", "configs/qwen_gsm8k.yaml",
                             "teacher.path=tests/data/configs/Qwen2-7B-Instruct",
                             "student.path=tests/data/configs/Qwen2-1.5B-Instruct"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("7615616512 parameters"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("1543714304 parameters"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("memory: teacher weights"), std::string::npos) << result.out;
  const Result strict = run({"validate", "--config", "configs/qwen_gsm8k.yaml", "--strict",
                             "teacher.path=tests/data/configs/Qwen2-7B-Instruct",
                             "student.path=tests/data/configs/Qwen2-1.5B-Instruct"});
  EXPECT_EQ(strict.exit_code, 1);
}

TEST(Config, ValidateCountsWhatTrains) {
  const std::vector<std::string> command = {"validate", "--config", "configs/tiny/stories.yaml",
                                            "run.dtype=bfloat16"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  const Result whole = with({});
  EXPECT_EQ(whole.out.find("frozen weights"), std::string::npos) << whole.out;
  EXPECT_EQ(whole.out.find("trained: "), std::string::npos) << whole.out;
  // The embedding's 512 rows of 64 are frozen: 65.5 kB of bf16.
  const Result part = with(
      {"student.freeze=[embed_tokens]", "optimizer.groups=[{match: norm, weight_decay: 0.1}]"});
  EXPECT_EQ(part.exit_code, 0) << part.err;
  for (const char* line : {"123712 parameters, 90944 trained (llama, 2 layers)",
                           "memory: student frozen weights       65.5 KB",
                           "trained: norm                        320 parameters in 5 tensors: "
                           "lr_scale 1, weight_decay "
                           "0.1",
                           "trained: all others                  90624 parameters in 14 tensors"}) {
    EXPECT_NE(part.out.find(line), std::string::npos) << line << "\n" << part.out;
  }
}

TEST(Config, AWrongCommandLineIsExitCode2) {
  EXPECT_EQ(run({}).exit_code, 2);
  EXPECT_EQ(run({"trian"}).exit_code, 2);
  EXPECT_EQ(run({"train"}).exit_code, 2);
  EXPECT_EQ(run({"train", "--config", "does_not_exist.yaml"}).exit_code, 2);
  EXPECT_EQ(run({"--help"}).exit_code, 0);
}

}  // namespace
}  // namespace distill::integration
