// Bad models, data and disks through the real executable: a clear error, the documented exit code,
// nothing half-written.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "distill/io/json.h"
#include "integration/distill_process.h"

namespace distill::integration {
namespace {

const fs::path kModel = kSource / "data/stories260K";

/// A copy of the story model to damage.
fs::path copy_model(const Scratch& scratch) {
  fs::copy(kModel, scratch / "model");
  return scratch / "model";
}

Result forward(const Scratch& scratch, const fs::path& model) {
  const fs::path ids = scratch.write("ids.json", "[1, 403, 407]");
  return run({"forward", "--device", "cpu", "--model", model.string(), "--input", ids.string(),
              "--output", (scratch / "out.safetensors").string()});
}

void expect_error(const Result& result, int code, const std::vector<std::string>& parts) {
  EXPECT_EQ(result.exit_code, code) << result.err;
  for (const std::string& part : parts) {
    EXPECT_NE(result.err.find(part), std::string::npos) << "missing: " << part << "\n"
                                                        << result.err;
  }
}

class BadModel : public testing::Test {
 protected:
  void expect_refused(const std::vector<std::string>& parts) {
    expect_error(forward(scratch_, model_), 1, parts);
    EXPECT_FALSE(fs::exists(scratch_ / "out.safetensors"));
  }
  void edit_config(const std::string& key, const Json& value) {
    Json config = read_json(model_ / "config.json");
    config[key] = value;
    scratch_.write("model/config.json", config.dump());
  }

  Scratch scratch_;
  fs::path model_ = copy_model(scratch_);
};

TEST_F(BadModel, TheWholeOneWorks) {
  EXPECT_EQ(forward(scratch_, model_).exit_code, 0);
  EXPECT_TRUE(fs::exists(scratch_ / "out.safetensors"));
}

TEST_F(BadModel, TruncatedWeights) {
  fs::resize_file(model_ / "model.safetensors", 500'000);
  expect_refused({"model/model.safetensors"});
}

TEST_F(BadModel, CorruptHeader) {
  std::fstream file(model_ / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40);
  file << "\x01\x02";
  file.close();
  expect_refused({"model/model.safetensors"});
}

TEST_F(BadModel, EmptyWeights) {
  fs::resize_file(model_ / "model.safetensors", 0);
  expect_refused({"model/model.safetensors"});
}

TEST_F(BadModel, AMissingTensorIsNamed) {
  edit_config("num_hidden_layers", 6);
  expect_refused({"model.layers.5.self_attn.q_proj.weight"});
}

TEST_F(BadModel, AWrongShapeIsNamed) {
  edit_config("intermediate_size", 180);
  expect_refused({"model.layers.0.mlp.gate_proj.weight", "172", "180"});
}

TEST_F(BadModel, AnUnknownFamilyListsTheKnownOnes) {
  edit_config("model_type", "mamba");
  expect_refused({"config.json", "mamba", "llama", "qwen2"});
}

TEST_F(BadModel, BrokenJsonNamesTheLine) {
  scratch_.write("model/config.json", "{\n  \"model_type\": \"llama\",\n  \"hidden_size\": }\n");
  expect_refused({"config.json:3:"});
}

TEST_F(BadModel, ATeacherOfFewerEmbeddingRowsThanTheTokenizerHasIds) {
  edit_config("vocab_size", 300);
  const Result result =
      run({"validate", "--config", "configs/tiny/stories.yaml", "teacher.path=" + model_.string(),
           "student={path: " + kModel.string() + "}"});
  expect_error(result, 1, {"the tokenizer has ids up to 511, but the teacher only 300 embedding"});
}

TEST_F(BadModel, NoWeights) {
  fs::remove(model_ / "model.safetensors");
  expect_refused({"model.safetensors"});
}

TEST_F(BadModel, NoSuchFolder) {
  expect_error(forward(scratch_, scratch_ / "nothing"), 1, {"nothing"});
}

TEST_F(BadModel, IdsOutsideTheVocabulary) {
  const fs::path ids = scratch_.write("bad.json", "[1, 5000]");
  expect_error(run({"forward", "--device", "cpu", "--model", model_.string(), "--input",
                    ids.string(), "--output", (scratch_ / "out.safetensors").string()}),
               1, {"5000", "512"});
}

TEST_F(BadModel, ValidateLooksIntoTheWeights) {
  fs::resize_file(model_ / "model.safetensors", 500'000);
  expect_error(run({"validate", "--config", "configs/tiny/stories.yaml", "run.device=cpu",
                    "teacher.path=" + model_.string()}),
               1, {"model/model.safetensors"});
}

/// A run on one training file.
Result train_on(const Scratch& scratch, const std::string& records, const std::string& format,
                const std::vector<std::string>& more = {}) {
  const fs::path data = scratch.write("train.jsonl", records);
  const std::string config =
      scratch
          .write("run.yaml", "run: {device: cpu, output_dir: " + (scratch / "run").string() +
                                 "}\nstudent: {path: data/stories260K}\n"
                                 "data: {train: [{path: " +
                                 data.string() + ", format: " + format +
                                 "}]}\nobjective: [{type: cross_entropy}]\n"
                                 "train: {max_steps: 1}\n")
          .string();
  std::vector<std::string> arguments = {"train", "--config", config};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

TEST(BadData, BrokenJsonNamesTheLine) {
  const Scratch scratch;
  expect_error(train_on(scratch, "{\"text\": \"a b c\"}\n{\"text\": \n", "text"), 1,
               {"train.jsonl:2"});
}

TEST(BadData, AnEmptyFile) {
  const Scratch scratch;
  expect_error(train_on(scratch, "", "text"), 1, {"train.jsonl", "the file has no records"});
}

TEST(BadData, TextThatIsNotUtf8NamesTheLine) {
  const Scratch scratch;
  expect_error(train_on(scratch, "{\"text\": \"a b c\"}\n{\"text\": \"\xff\xfe\"}\n", "text"), 1,
               {"train.jsonl:2", "UTF-8"});
}

TEST(BadData, AMissingColumnIsNamedWithThoseThatAreThere) {
  const Scratch scratch;
  expect_error(train_on(scratch, "{\"txt\": \"a b c\"}\n", "text"), 1,
               {"train.jsonl:1", "'text'", "txt"});
}

TEST(BadData, AFileThatIsNotThere) {
  const Scratch scratch;
  expect_error(train_on(scratch, "{}", "text", {"data.train.0.path=nowhere.jsonl"}), 1,
               {"nowhere.jsonl"});
}

TEST(BadData, ConversationsWithoutAChatTemplate) {
  const Scratch scratch;
  expect_error(train_on(scratch, "{\"messages\": []}\n", "messages"), 1, {"chat template"});
}

TEST(BadRun, DifferentTokenizersAreRefused) {
  const Scratch scratch;
  const fs::path model = copy_model(scratch);
  Json tokenizer = read_json(model / "tokenizer.json");
  tokenizer["added_tokens"][0]["special"] = false;
  scratch.write("model/tokenizer.json", tokenizer.dump());
  expect_error(run({"train", "--config", "configs/tiny/stories.yaml", "run.device=cpu",
                    "run.output_dir=" + (scratch / "run").string(),
                    "student={path: " + model.string() + "}"}),
               1, {"different tokenizers"});
  EXPECT_FALSE(fs::exists(scratch / "run"));
  expect_error(
      run({"compare", "--config", "configs/tiny/stories.yaml", "--student", model.string()}), 1,
      {"different tokenizers"});
}

TEST(BadRun, AForeignCheckpointIsRefused) {
  const Scratch scratch;
  expect_error(run({"train", "--config", "configs/tiny/stories.yaml", "run.device=cpu",
                    "run.output_dir=" + (scratch / "run").string(), "--resume", kModel.string()}),
               1, {"not a checkpoint"});
}

TEST(BadRun, AFolderThatCannotBeWritten) {
  // /proc takes no folders, whoever asks.
  expect_error(run({"train", "--config", "configs/tiny/stories.yaml", "run.device=cpu",
                    "run.output_dir=/proc/distill"}),
               1, {"/proc/distill"});
}

TEST(BadRun, ABadRecordOnTheWayKeepsWhatWasLearned) {
  const Scratch scratch;
  std::string records;
  for (int i = 0; i < 8; ++i) records += "{\"text\": \"Once upon a time\"}\n";
  const Result result = train_on(scratch, records + "{\"text\": 5}\n", "text",
                                 {"train.max_steps=20", "train.micro_batch_size=1",
                                  "data.shuffle=false", "data.prefetch=1", "data.test_size=0"});
  expect_error(result, 1, {"train.jsonl:9", "Saved ", "--resume auto goes on from there"});
  EXPECT_TRUE(fs::exists(scratch / "run" / "latest/trainer/manifest.json"));
}

TEST(BadRun, AFullDiskLeavesNoHalfOfTheFinalModel) {
  const Scratch scratch;
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{300'000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Process process({"train", "--config", "configs/tiny/stories.yaml", "run.device=cpu",
                         "run.output_dir=" + (scratch / "run").string(), "train.save_steps=0",
                         "train.max_steps=1", "train.eval_at_start=false", "data.test_size=0",
                         "train.save_last=false"});
  const Result result = process.wait();
  setrlimit(RLIMIT_FSIZE, &old);
  expect_error(result, 1, {"final: the model could not be saved", "File too large"});
  for (const fs::directory_entry& entry : fs::directory_iterator(scratch / "run")) {
    EXPECT_NE(entry.path().extension(), ".partial") << entry.path();
    EXPECT_FALSE(fs::is_directory(entry.path())) << entry.path();
  }
}

TEST(BadRun, AFullDiskKeepsTheLastCheckpoint) {
  const Scratch scratch;
  const std::vector<std::string> arguments = {"train",
                                              "--config",
                                              "configs/tiny/stories.yaml",
                                              "run.device=cpu",
                                              "run.output_dir=" + (scratch / "run").string(),
                                              "train.save_steps=1",
                                              "train.logging_steps=1",
                                              "train.max_steps=3",
                                              "train.eval_at_start=false",
                                              "data.test_size=0"};
  ASSERT_EQ(run([&] {
              auto two = arguments;
              two.push_back("train.max_steps=1");
              return two;
            }())
                .exit_code,
            0);
  // The child inherits the limit: no file may grow past 300 kB, the optimizer's is larger.
  // Nothing in this process exceeds it; in the child, the signal is the program's own business.
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{300'000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  auto resumed = arguments;
  resumed.insert(resumed.end(), {"--resume", "auto"});
  const Process process(resumed);
  const Result result = process.wait();
  setrlimit(RLIMIT_FSIZE, &old);
  expect_error(result, 1, {"checkpoint-2", "could not be saved", "File too large"});
  EXPECT_TRUE(fs::exists(scratch / "run" / "checkpoint-1/trainer/manifest.json"));
  EXPECT_FALSE(fs::exists(scratch / "run" / "checkpoint-2"));
  EXPECT_FALSE(fs::exists(scratch / "run" / "checkpoint-2.partial"));
}

TEST(BadText, WhatIsNotUtf8IsNamedWithItsPlace) {
  const Scratch scratch;
  const std::string text = scratch.write("bad.txt", "fine\na\xff").string();
  const std::string model = "data/stories260K";
  expect_error(run({"eval", "--model", model, "--text", text}), 1,
               {"bad.txt:2:2: not valid UTF-8"});
  expect_error(run({"generate", "--model", model, "--prompts", text, "--output",
                    (scratch / "out.jsonl").string()}),
               1, {"bad.txt:2:2: not valid UTF-8"});
  EXPECT_FALSE(fs::exists(scratch / "out.jsonl"));
}

TEST(BadInput, LabelsThatAreNotTheTokensAreRefused) {
  const Scratch scratch;
  const std::string ids =
      scratch.write("ids.json", R"({"input_ids": [1, 2, 3], "labels": [-100, 2, 700]})").string();
  expect_error(run({"forward", "--model", "data/stories260K", "--input", ids, "--output",
                    (scratch / "out.safetensors").string()}),
               1, {"labels: expected -100 or the token itself, 3, found 700"});
}

TEST(BadRun, NothingToLearnIsRefused) {
  for (const char* objective : {"objective=[]", "objective=[{type: cross_entropy, weight: 0}]"}) {
    expect_error(run({"validate", "--config", "configs/tiny/stories.yaml", objective}), 2,
                 {"expected a term with a weight above 0"});
  }
}

TEST(BadRun, AFolderThatNothingWasLearnedInIsUsedAgain) {
  const Scratch scratch;
  const std::string data = scratch.write("d.jsonl", "{\"text\": 3}\n").string();
  const std::vector<std::string> command = {"train",
                                            "--config",
                                            "configs/tiny/stories.yaml",
                                            "data.test_size=0",
                                            "train.max_steps=1",
                                            "train.eval_at_start=false",
                                            "run.output_dir=" + (scratch / "run").string()};
  auto broken = command;
  broken.push_back("data.train.0.path=" + data);
  EXPECT_EQ(run(broken).exit_code, 1);
  EXPECT_EQ(run(command).exit_code, 0);
  EXPECT_EQ(run(command).exit_code, 2);
  auto resumed = command;
  resumed.insert(resumed.end(), {"--resume", "auto"});
  const Result done = run(resumed);
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_NE(done.err.find("nothing to do"), std::string::npos) << done.err;
}

TEST(Device, CudaWithoutAGpuIsAnErrorNeverACpuRun) {
  if (fs::exists("/dev/nvidiactl")) GTEST_SKIP() << "there is a GPU";
  const Scratch scratch;
  expect_error(run({"train", "--config", "configs/tiny/stories.yaml", "run.device=cuda",
                    "run.output_dir=" + (scratch / "run").string()}),
               2, {"cuda was asked for"});
}

}  // namespace
}  // namespace distill::integration
