// `distill train` from outside: whole runs, signals, kills and resumes.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "distill/train/event_keys.h"
#include "integration/story_run.h"

namespace distill::integration {
namespace {

using namespace std::chrono_literals;

TEST(Train, WritesARunFolderThatOthersCanRead) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const Result result = run(train(config, scratch / "run", {"train.max_steps=2"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* name : {"config.yaml", "run.json", "log.txt", "events.jsonl", "latest",
                           "final/config.json", "final/model.safetensors", "final/tokenizer.json",
                           "final/tokenizer_config.json", "checkpoint-2/trainer/manifest.json"}) {
    EXPECT_TRUE(fs::exists(scratch / "run" / name)) << name;
  }
  EXPECT_EQ(read_json(scratch / "run" / "final/config.json")["num_hidden_layers"], 2);
  EXPECT_NE(result.out.find("KL(teacher || student)"), std::string::npos) << result.out;
}

TEST(Train, AKilledRunResumesBitForBit) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "whole")).exit_code, 0);
  {
    const Process process(train(config, scratch / "killed"));
    wait_for(scratch / "killed" / "checkpoint-10/trainer/manifest.json");
    process.signal(SIGKILL);
    EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL);
  }
  const Result resumed = run(train(config, scratch / "killed", {"--resume", "auto"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_same_run(scratch / "whole", scratch / "killed");
}

TEST(Train, KillsAtAnyMomentLoseNothing) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "whole")).exit_code, 0);
  // Checkpoints are written after every step, so many of these kills land inside a save.
  std::vector<std::string> resume;
  int kills = 0;
  for (int delay = 300; kills < 12; delay += 37, ++kills) {
    const Process process(train(config, scratch / "killed", resume));
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
    process.signal(SIGKILL);
    if (process.wait().exit_code == 0) break;
    if (fs::exists(scratch / "killed" / "config.yaml")) resume = {"--resume", "auto"};
  }
  const Result last = run(train(config, scratch / "killed", resume));
  ASSERT_EQ(last.exit_code, 0) << last.err;
  expect_same_run(scratch / "whole", scratch / "killed");
}

TEST(Train, DropoutResumesBitForBit) {
  const Scratch scratch;
  scratch.write("gpt2/config.json",
                R"({"model_type": "gpt2", "n_embd": 32, "n_head": 4, "n_layer": 2,
    "n_positions": 128, "vocab_size": 512, "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1,
    "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new"})");
  const std::string config = scratch
                                 .write("gpt2.yaml", R"(
run: {output_dir: unset, seed: 3, device: cpu, threads: 1}
student: {config: )" + (scratch / "gpt2").string() + R"(, tokenizer: data/stories260K}
data:
  max_length: 64
  too_long: truncate
  train: [{path: data/stories260K/stories.jsonl, format: text, limit: 64}]
objective: [{type: cross_entropy}]
optimizer: {learning_rate: 1.0e-3}
train: {max_steps: 20, micro_batch_size: 4, logging_steps: 1, save_steps: 10}
)")
                                 .string();
  ASSERT_EQ(run(train(config, scratch / "whole")).exit_code, 0);
  ASSERT_EQ(run(train(config, scratch / "cut")).exit_code, 0);
  fs::remove_all(scratch / "cut" / "checkpoint-20");
  fs::remove_all(scratch / "cut" / "final");
  const Result resumed = run(
      train(config, scratch / "cut", {"--resume", (scratch / "cut" / "checkpoint-10").string()}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_same_run(scratch / "whole", scratch / "cut");
}

TEST(Train, AnEventHasItsOwnKeysAndTheTerms) {
  const Scratch scratch;
  ASSERT_EQ(run(train(story_run(scratch), scratch / "run", {"train.max_steps=1"})).exit_code, 0);
  for (const std::string& line : losses(scratch / "run")) {
    const Json event = parse_json(line, "events.jsonl");
    for (const auto& [key, value] : event.items()) {
      EXPECT_TRUE(is_event_key(key) || key == "cross_entropy" || key == "forward_kl") << key;
    }
  }
}

TEST(Train, ASignalSavesAndLeavesWith128PlusN) {
  const Scratch scratch;
  const std::string config = story_run(scratch, "");
  const Process process(
      train(config, scratch / "run", {"train.max_steps=100000", "train.save_steps=0"}));
  wait_for(scratch / "run" / "events.jsonl");
  std::this_thread::sleep_for(500ms);
  process.signal(SIGTERM);
  const Result result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
  EXPECT_TRUE(fs::exists(scratch / "run" / "latest/trainer/manifest.json"));
  const std::string saved = fs::canonical(scratch / "run" / "latest").string();
  for (const std::string& part :
       {std::string("signal 15: finishing the step, then saving a checkpoint; once more leaves at "
                    "once\n"),
        "saved " + saved + "\n",
        "go on with: distill train --config " + config +
            " run.output_dir=" + (scratch / "run").string() +
            " train.max_steps=100000 train.save_steps=0 --resume auto\n"}) {
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
  }
}

TEST(Train, AnEvaluationThatASignalCutShortIsMadeUpFor) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const std::vector<std::string> evaluates = {"train.eval_steps=10", "data.test_size=0.9",
                                              "data.eval_limit=null"};
  ASSERT_EQ(run(train(config, scratch / "whole", evaluates)).exit_code, 0);
  const Process process(train(config, scratch / "cut", evaluates));
  wait_for(scratch / "cut" / "checkpoint-9");
  std::this_thread::sleep_for(100ms);
  process.signal(SIGINT);
  const Result cut = process.wait();
  EXPECT_EQ(cut.exit_code, 128 + SIGINT) << cut.err;
  EXPECT_FALSE(fs::exists(scratch / "cut" / "checkpoint-11"));
  auto resume = evaluates;
  resume.insert(resume.end(), {"--resume", "auto"});
  const Result resumed = run(train(config, scratch / "cut", resume));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  expect_same_run(scratch / "whole", scratch / "cut");
}

TEST(Train, ALossThatIsNotFiniteNamesTheRecordsAndTheWayOut) {
  const Scratch scratch;
  const Result result = run(train(story_run(scratch), scratch / "run",
                                  {"optimizer.learning_rate=1e30", "lr_scheduler.warmup_ratio=0"}));
  EXPECT_EQ(result.exit_code, 1);
  for (const std::string& part :
       {"is not finite; no weight was changed. The step's records:\n  " + kStories + ":",
        std::string("Lower optimizer.learning_rate"),
        std::string("--resume auto then goes on from step ")}) {
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
  }
  const Result first = run(
      train(story_run(scratch), scratch / "other",
            {"optimizer.learning_rate=1e30", "lr_scheduler.warmup_ratio=0", "train.save_steps=0"}));
  EXPECT_NE(first.err.find("--resume auto then starts again"), std::string::npos) << first.err;
}

TEST(Train, TooLittleMemoryIsAnErrorWithTheKeysThatLowerIt) {
  const Scratch scratch;
  // A micro-batch of all the stories six times over: 2 GB of activations, where 1.2 GB can be
  // mapped and the program without them takes about half of that.
  std::string sources;
  for (int i = 0; i < 6; ++i) sources += "{path: " + kStories + ", format: text},";
  const Process process(
      train(story_run(scratch), scratch / "run",
            {"data.train=[" + sources + "]", "data.packing=false", "data.max_length=256",
             "data.test_size=0", "train.micro_batch_size=1000"}),
      {}, [] {
        const rlimit limit{rlim_t{1200} << 20, rlim_t{1200} << 20};
        ::setrlimit(RLIMIT_AS, &limit);
      });
  const Result result = process.wait();
  EXPECT_EQ(result.exit_code, 1) << result.err;
  for (const char* part : {"out of memory at step 1: ", "activations, a full micro-batch: ",
                           "train.micro_batch_size", "data.max_length", "gradient_checkpointing"}) {
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
  }
}

TEST(Train, AResumedRunReportsItsOwnStepsAndThreads) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "run", {"train.max_steps=2"})).exit_code, 0);
  EXPECT_EQ(read_json(scratch / "run" / "run.json")["threads"], 1);
  const Result resumed = run(
      train(config, scratch / "run", {"--resume", "auto", "train.max_steps=3", "run.threads=2"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("step 3       step 3\n"), std::string::npos) << resumed.out;
  EXPECT_NE(resumed.out.find("  1 step after step 2, "), std::string::npos) << resumed.out;
  EXPECT_NE(resumed.err.find("the run began with 1 CPU thread and goes on with 2"),
            std::string::npos)
      << resumed.err;
}

TEST(Train, AnotherMetricLooksForTheBestAnew) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const auto steps = [&](const std::string& count, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"train.max_steps=" + count, "train.eval_steps=2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(train(config, scratch / "run", arguments));
  };
  const Result first = steps("4", {"train.metric_for_best_model=eval_agreement"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  // No negative log-likelihood is below an agreement, which is at most 1 and was about a half.
  const Result resumed = steps("6", {"train.metric_for_best_model=eval_nll", "--resume", "auto"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("is now eval_nll and was eval_agreement: the best is looked for anew"),
            std::string::npos)
      << resumed.err;
  EXPECT_EQ(fs::canonical(scratch / "run" / "best").filename(), "checkpoint-6");
}

TEST(Train, AFinishedRunIsLeftAlone) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "run", {"train.max_steps=2"})).exit_code, 0);
  const Result fresh = run(train(config, scratch / "run", {"train.max_steps=2"}));
  EXPECT_EQ(fresh.exit_code, 2);
  EXPECT_NE(fresh.err.find("--resume auto"), std::string::npos) << fresh.err;
  EXPECT_NE(fresh.err.find("run.output_dir="), std::string::npos) << fresh.err;
  const Result resumed =
      run(train(config, scratch / "run", {"--resume", "auto", "train.max_steps=2"}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("nothing to do"), std::string::npos) << resumed.err;
}

TEST(Train, ResumeRefusesAChangedKeyByName) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "run", {"train.max_steps=2"})).exit_code, 0);
  const Result result =
      run(train(config, scratch / "run", {"--resume", "auto", "data.max_length=64"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("data.max_length: 96 in the checkpoint, 64 now"), std::string::npos)
      << result.err;
}

TEST(Train, TwoRunsDoNotShareAFolder) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const Process first(train(config, scratch / "run", {"train.max_steps=100000"}));
  wait_for(scratch / "run" / "events.jsonl");
  const Result second = run(train(config, scratch / "run", {"--resume", "auto"}));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.err.find("another process is using this folder"), std::string::npos)
      << second.err;
  first.signal(SIGKILL);
  first.wait();
}

}  // namespace
}  // namespace distill::integration
