// `distill generate` from outside: kills, signals, full disks and what is left after them.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "distill/io/json.h"
#include "integration/distill_process.h"

namespace distill::integration {
namespace {

using namespace std::chrono_literals;

const std::string kModel = "data/stories260K";

/// Prompts of many lengths, two answers each, more than fit at once. In bfloat16 the company of a
/// prompt shows in its tokens, so that a resume that kept other company would be seen.
struct Story {
  Scratch scratch;
  fs::path prompts = scratch.write("prompts.txt", text_of_prompts());
  fs::path output = scratch / "made/out.jsonl";
  fs::path partial = scratch / "made/out.jsonl.partial";

  static std::string text_of_prompts() {
    std::string text;
    for (int n = 0; n < 20; ++n) {
      text += "Once upon a time";
      for (int i = 0; i < n; ++i) text += i % 2 == 0 ? ", and then" : " a cat";
      text += '\n';
    }
    return text;
  }

  std::vector<std::string> command(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"generate",
                                          "--seed",
                                          "7",
                                          "--num-samples",
                                          "2",
                                          "model=" + kModel,
                                          "prompts_file=" + prompts.string(),
                                          "output=" + output.string(),
                                          "max_new_tokens=60",
                                          "batch_size=8",
                                          "dtype=bfloat16",
                                          "device=cpu",
                                          "threads=1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string whole() const {
    const Result result = run(command({"--overwrite"}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const std::string content = slurp(output);
    fs::remove(output);
    return content;
  }
};

size_t count_lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Waits until the file has that many lines.
void wait_for_lines(const fs::path& path, size_t lines) {
  for (int i = 0; i < 6000 && count_lines(slurp(path)) < lines; ++i) {
    std::this_thread::sleep_for(10ms);
  }
  ASSERT_GE(count_lines(slurp(path)), lines) << path;
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "missing: " << part << "\n" << text;
}

TEST(Generate, TheOutputHasTheOrderOfThePrompts) {
  const Story story;
  const Result result = run(story.command());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::ifstream prompts(story.prompts), output(story.output);
  std::string line;
  for (std::string prompt; std::getline(prompts, prompt);) {
    for (int sample = 0; sample < 2; ++sample) {
      ASSERT_TRUE(std::getline(output, line));
      EXPECT_EQ(parse_json(line, "output")["prompt"], prompt);
    }
  }
  EXPECT_FALSE(std::getline(output, line));
  EXPECT_FALSE(fs::exists(story.partial));
}

TEST(Generate, KillsAtAnyMomentLoseNothing) {
  const Story story;
  const std::string whole = story.whole();
  size_t kept = 0, kills = 0;
  for (size_t lines = 1; !fs::exists(story.output); lines = count_lines(slurp(story.partial)) + 4) {
    const Process process(story.command());
    for (int i = 0;
         i < 6000 && count_lines(slurp(story.partial)) < lines && !fs::exists(story.output); ++i) {
      std::this_thread::sleep_for(2ms);
    }
    process.signal(SIGKILL);
    const Result result = process.wait();
    if (result.exit_code == 0 || fs::exists(story.output)) break;
    const size_t answers = count_lines(slurp(story.partial));
    EXPECT_GE(answers, kept);
    kept = answers;
    ++kills;
  }
  EXPECT_GE(kills, 4u);
  if (!fs::exists(story.output)) {
    const Result last = run(story.command());
    ASSERT_EQ(last.exit_code, 0) << last.err;
  }
  EXPECT_EQ(slurp(story.output), whole);
}

TEST(Generate, ALineThatWasCutOffIsGeneratedAgain) {
  const Story story;
  const std::string whole = story.whole();
  const Process process(story.command());
  wait_for_lines(story.partial, 12);
  process.signal(SIGKILL);
  process.wait();
  fs::resize_file(story.partial, fs::file_size(story.partial) - 9);
  const size_t kept = count_lines(slurp(story.partial)) - 1;
  const Result resumed = run(story.command());
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_contains(resumed.err, "going on: " + std::to_string(kept) + " of 40 answers are kept in ");
  expect_contains(resumed.err, std::to_string(40 - kept) + " texts (");
  EXPECT_EQ(slurp(story.output), whole);
  EXPECT_FALSE(fs::exists(story.partial));
}

TEST(Generate, AKillBeforeTheWorkFileIsRemovedLosesNothing) {
  const Story story;
  const Process process(story.command());
  wait_for_lines(story.partial, 2);
  process.signal(SIGKILL);
  process.wait();
  const fs::path kept = story.scratch / "kept";
  fs::create_hard_link(story.partial, kept);  // has all answers once the run has ended
  ASSERT_EQ(run(story.command()).exit_code, 0);
  const std::string whole = slurp(story.output);
  fs::copy_file(kept, story.partial);
  const Result again = run(story.command({"--overwrite"}));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  expect_contains(again.err, "going on: 40 of 40 answers are kept in ");
  expect_contains(again.err, "nothing was left to generate");
  EXPECT_EQ(slurp(story.output), whole);
  fs::copy_file(kept, story.partial);
  const Result refused = run(story.command());
  EXPECT_EQ(refused.exit_code, 2) << refused.err;
  expect_contains(refused.err, "removed " + story.partial.string());
  expect_contains(refused.err, "is there already");
  EXPECT_FALSE(fs::exists(story.partial));
  EXPECT_EQ(slurp(story.output), whole);
}

TEST(Generate, AFileInThePlaceOfTheWorkFileIsRefused) {
  const Story story;
  story.scratch.write("made/out.jsonl.partial", "notes without a newline");
  const Result result = run(story.command({"--overwrite"}));
  EXPECT_EQ(result.exit_code, 1) << result.err;
  expect_contains(result.err, story.partial.string() + ": is not a work file");
  EXPECT_EQ(slurp(story.partial), "notes without a newline");
}

TEST(Generate, ASignalKeepsWhatIsDoneAndNamesTheCommandThatGoesOn) {
  const Story story;
  const std::string whole = story.whole();
  size_t kept = 0;
  for (const auto& [signal, name] : {std::pair(SIGTERM, "SIGTERM, signal 15"),
                                     {SIGINT, "SIGINT, signal 2"},
                                     {SIGHUP, "SIGHUP, signal 1"}}) {
    const Process process(story.command());
    wait_for_lines(story.partial, kept + 2);
    process.signal(signal);
    const Result result = process.wait();
    EXPECT_EQ(result.exit_code, 128 + signal) << result.err;
    kept = count_lines(slurp(story.partial));
    expect_contains(result.err, std::string(name) + ": keeping the answers that are finished");
    expect_contains(result.err,
                    std::to_string(kept - 1) + " of 40 answers are kept in " +
                        story.partial.string() +
                        "; to go on from there: distill generate model=data/stories260K ");
    for (const char* option : {" device=cpu threads=1 --", " --seed 7", " --num-samples 2"}) {
      expect_contains(result.err, option);
    }
    expect_contains(result.err, std::string("stopped by ") + name);
    EXPECT_FALSE(fs::exists(story.output));
  }
  ASSERT_EQ(run(story.command()).exit_code, 0);
  EXPECT_EQ(slurp(story.output), whole);
}

TEST(Generate, WhatAnotherConfigurationBeganIsRefused) {
  const Story story;
  const Process process(story.command());
  wait_for_lines(story.partial, 3);
  process.signal(SIGKILL);
  process.wait();
  const std::string before = slurp(story.partial);
  const auto refused = [&](const std::vector<std::string>& more, const std::string& part) {
    const Result result = run(story.command(more));
    EXPECT_EQ(result.exit_code, 1) << result.err;
    expect_contains(result.err, part);
    expect_contains(result.err, "--overwrite");
    EXPECT_TRUE(slurp(story.partial) == before);
  };
  refused({"temperature=0.5"}, "\n  temperature: 1.0 in the file, 0.5 now\n");
  refused({"dtype=float32"}, "\n  dtype: bfloat16 in the file, float32 now\n");
  refused({"prompts=[One more]"}, "\n  prompts: ");
  fs::copy(kSource / kModel, story.scratch / "model");
  Json config = read_json(story.scratch / "model" / "config.json");
  config["rms_norm_eps"] = 1e-3;
  story.scratch.write("model/config.json", config.dump());
  refused({"model=" + (story.scratch / "model").string()}, "\n  model's config.json: ");
  fs::copy_file(kSource / kModel / "config.json", story.scratch / "model" / "config.json",
                fs::copy_options::overwrite_existing);
  std::fstream weights(story.scratch / "model" / "model.safetensors",
                       std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(-4, std::ios::end);
  weights << "\1\2";
  weights.close();
  refused({"model=" + (story.scratch / "model").string()}, "\n  model's weights: ");
  const Result anew = run(story.command({"temperature=0.5", "--overwrite"}));
  EXPECT_EQ(anew.exit_code, 0) << anew.err;
  EXPECT_EQ(anew.err.find("going on"), std::string::npos) << anew.err;
}

TEST(Generate, AnotherBatchSizeGoesOnWithAWarning) {
  const Story story;
  const Process process(story.command());
  wait_for_lines(story.partial, 8);
  process.signal(SIGKILL);
  process.wait();
  const Result result = run(story.command({"batch_size=2"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_contains(result.err, "\n  batch_size: 8 in the file, 2 now");
  EXPECT_EQ(count_lines(slurp(story.output)), 40u);
}

TEST(Generate, AnOutputThatIsThereIsNotLost) {
  const Story story;
  fs::create_directories(story.output.parent_path());
  std::ofstream(story.output) << "precious\n";
  const Result refused = run(story.command());
  EXPECT_EQ(refused.exit_code, 2) << refused.err;
  expect_contains(refused.err, story.output.string() +
                                   ": is there already; choose another, or replace it with "
                                   "--overwrite");
  EXPECT_EQ(slurp(story.output), "precious\n");
  EXPECT_FALSE(fs::exists(story.partial));
  {
    const Process process(story.command({"--overwrite"}));
    wait_for_lines(story.partial, 5);
    process.signal(SIGKILL);
    process.wait();
  }
  EXPECT_EQ(slurp(story.output), "precious\n");  // until there is something to put in its place
  const Result replaced = run(story.command({"--overwrite"}));
  ASSERT_EQ(replaced.exit_code, 0) << replaced.err;
  expect_contains(replaced.err, "going on: ");
  EXPECT_EQ(count_lines(slurp(story.output)), 40u);
  const Result device = run(story.command({"output=/dev/null", "--overwrite"}));
  EXPECT_EQ(device.exit_code, 2);
  expect_contains(device.err, "/dev/null: is not a file");
}

TEST(Generate, AFullDiskIsASentenceAndKeepsWhatIsDone) {
  const Story story;
  const std::string whole = story.whole();
  const Process process(story.command(), "", [] {
    const rlimit small{8'000, 8'000};
    setrlimit(RLIMIT_FSIZE, &small);
  });
  const Result full = process.wait();
  EXPECT_EQ(full.exit_code, 1) << full.err;
  const std::string kept = slurp(story.partial);
  EXPECT_EQ(kept.back(), '\n');
  expect_contains(full.err,
                  "error: " + story.partial.string() + ": cannot be written: File too large");
  expect_contains(full.err, std::to_string(count_lines(kept) - 1) + " of 40 answers are kept in " +
                                story.partial.string());
  EXPECT_FALSE(fs::exists(story.output));
  ASSERT_EQ(run(story.command()).exit_code, 0);
  EXPECT_EQ(slurp(story.output), whole);
}

TEST(Generate, TwoProcessesDoNotShareAnOutput) {
  const Story story;
  const Process first(story.command({"max_new_tokens=400"}));
  wait_for_lines(story.partial, 2);
  const Result second = run(story.command({"max_new_tokens=400"}));
  first.signal(SIGKILL);
  first.wait();
  EXPECT_EQ(second.exit_code, 1);
  expect_contains(second.err, "another process is using this file");
}

/// A GPT-2 with random weights and 32 learned positions.
fs::path tiny_gpt2(const Scratch& scratch) {
  scratch.write("gpt2/config.json",
                R"({"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 1,
    "n_positions": 32, "vocab_size": 512, "layer_norm_epsilon": 1e-5,
    "activation_function": "gelu_new"})");
  const std::string config = scratch
                                 .write("gpt2.yaml", R"(
run: {output_dir: )" + (scratch / "run").string() + R"(, seed: 3, device: cpu, threads: 1}
student: {config: )" + (scratch / "gpt2").string() + R"(, tokenizer: data/stories260K}
data:
  max_length: 32
  too_long: truncate
  train: [{path: data/stories260K/stories.jsonl, format: text, limit: 4}]
objective: [{type: cross_entropy}]
train: {max_steps: 1, micro_batch_size: 1}
)")
                                 .string();
  const Result result = run({"train", "--config", config});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return scratch / "run" / "final";
}

TEST(Generate, APromptThatFailsInTheMiddleKeepsWhatIsDone) {
  const Scratch scratch;
  const std::string prompts =
      scratch.write("prompts.txt", "a\nb\nc\nThe cat and the dog and the bird and the cow\nd\n")
          .string();
  const std::string output = (scratch / "out.jsonl").string();
  const Result result =
      run({"generate", "--model", tiny_gpt2(scratch).string(), "--prompts", prompts, "--output",
           output, "--max-new-tokens", "24", "device=cpu", "batch_size=1"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  expect_contains(result.err, "exceeds the model's 32 learned positions");
  expect_contains(result.err, "3 of 5 answers are kept in " + output + ".partial");
  EXPECT_FALSE(fs::exists(output));
  std::ifstream partial(output + ".partial");
  std::string line;
  std::getline(partial, line);
  for (const char* prompt : {"a", "b", "c"}) {
    ASSERT_TRUE(std::getline(partial, line));
    EXPECT_EQ(parse_json(line, "partial")["prompt"], prompt);
  }
}

TEST(Generate, APromptThatTheModelCannotReadIsSaidAtOnce) {
  const Scratch scratch;
  const std::string prompts =
      scratch.write("prompts.txt", "a\nb\n" + std::string(200, 'x') + "\n").string();
  const Result result = run({"generate", "--model", tiny_gpt2(scratch).string(), "--prompts",
                             prompts, "--output", (scratch / "out.jsonl").string()});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  expect_contains(result.err, "prompt 3: ");
  expect_contains(result.err, "tokens exceed the model's 32 learned positions");
  EXPECT_FALSE(fs::exists(scratch / "out.jsonl.partial"));
}

TEST(Generate, StandardOutputHasEachAnswerOnceThoseBeforeItAreThere) {
  const Story story;
  const std::string whole = story.whole();
  const Process process(story.command({"output=''"}));
  for (int i = 0; i < 6000 && process.out().empty(); ++i) std::this_thread::sleep_for(2ms);
  process.signal(SIGTERM);
  const Result result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
  ASSERT_FALSE(result.out.empty());
  EXPECT_EQ(result.out.back(), '\n');
  EXPECT_LT(result.out.size(), whole.size());
  EXPECT_EQ(result.out, whole.substr(0, result.out.size()));
}

TEST(Generate, StandardOutputThatNobodyReadsEndsTheWork) {
  const Story story;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  const Process process(story.command({"output=''"}), "", [&] { ::dup2(ends[1], STDOUT_FILENO); });
  ::close(ends[1]);
  const Result result = process.wait();
  EXPECT_EQ(result.exit_code, 1);
  expect_contains(result.err, "standard output: cannot be written: Broken pipe");
}

}  // namespace
}  // namespace distill::integration
