// A small run on the stories that ship, and what it leaves behind.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>

#include "distill/io/json.h"
#include "integration/distill_process.h"

namespace distill::integration {

inline const std::string kStories = "data/stories260K/stories.jsonl";

/// Packing, accumulation, shuffling: all that resume has to bring back.
inline std::string story_run(const Scratch& scratch, const std::string& extra = "") {
  return scratch
      .write("run.yaml", R"(
run: {output_dir: unset, seed: 3, device: cpu, threads: 1}
teacher: {path: data/stories260K}
student: {from_teacher: {layers: [0, 4]}}
data:
  max_length: 96
  too_long: truncate
  packing: true
  test_size: 0.1
  eval_limit: 8
  train: [{path: data/stories260K/stories.jsonl, format: text}]
objective:
  - {type: cross_entropy, weight: 0.5}
  - {type: forward_kl, weight: 0.5, temperature: 2.0}
optimizer: {learning_rate: 1.0e-3, weight_decay: 0.01}
lr_scheduler: {type: cosine, warmup_ratio: 0.1}
train:
  max_steps: 20
  micro_batch_size: 2
  gradient_accumulation_steps: 2
  logging_steps: 1
  save_steps: 1
  save_total_limit: 2
)" + extra)
      .string();
}

inline std::vector<std::string> train(const std::string& config, const fs::path& output,
                                      const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"train", "--config", config,
                                        "run.output_dir=" + output.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// The logged losses, without the speed.
inline std::vector<std::string> losses(const fs::path& run) {
  std::vector<std::string> all;
  std::ifstream events(run / "events.jsonl");
  for (std::string line; std::getline(events, line);) {
    Json event = parse_json(line, "events.jsonl");
    event.erase("tokens_per_second");
    all.push_back(event.dump());
  }
  return all;
}

/// Every file of a run folder with its content, but for the lock.
inline std::map<std::string, std::string> contents(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(run)) {
    if (entry.is_regular_file() && entry.path().filename() != ".lock") {
      files[entry.path().lexically_relative(run).string()] = slurp(entry.path());
    }
  }
  return files;
}

inline void wait_for(const fs::path& path) {
  for (int i = 0; i < 6000 && !fs::exists(path); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(fs::exists(path)) << path;
}

inline void expect_same_run(const fs::path& a, const fs::path& b) {
  EXPECT_EQ(slurp(a / "final/model.safetensors"), slurp(b / "final/model.safetensors"));
  EXPECT_EQ(slurp(a / "checkpoint-20/trainer/optimizer.safetensors"),
            slurp(b / "checkpoint-20/trainer/optimizer.safetensors"));
  EXPECT_EQ(losses(a), losses(b));
}

}  // namespace distill::integration
