// The training loop over a tiny model: what is saved, when it stops, what an error leaves behind.
#include "train/trainer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>

#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/teacher/live_teacher.h"
#include "train/random_state.h"
#include "unit/io/scratch.h"
#include "unit/train/fake_source.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A live teacher that follows the student and may fail.
class Following final : public Teacher {
 public:
  Offers offers() const override { return live_.offers(); }
  TeacherAnswer answer(const Batch& batch, const Needs& needs) override {
    if (fails_at >= 0 && updates_.item<int64_t>() == fails_at) throw std::bad_alloc();
    return live_.answer(batch, needs);
  }
  void follow(const Transformer&) override { updates_.add_(1); }
  std::vector<std::pair<std::string, at::Tensor>> state() const override {
    return {{"updates", updates_}};
  }
  int64_t updates() const { return updates_.item<int64_t>(); }

  int64_t fails_at = -1;

 private:
  LiveTeacher live_{tests::make_model(tests::tiny_llama_json(), at::kFloat, 2)};
  at::Tensor updates_ = at::zeros({1}, at::kLong);
};

/// A run of a tiny model in a folder of its own.
struct TinyRun {
  explicit TinyRun(const fs::path& path, const std::string& train, int64_t steps)
      : folder(path), store(path), total(steps) {
    const std::string yaml =
        "objective: [{type: cross_entropy}, {type: forward_kl, temperature: 2}]\n"
        "optimizer: {learning_rate: 0.01}\ntrain: {logging_steps: 1, " +
        train + "}\n";
    seed_generators(3, at::kCPU);
    ConfigFile::parse(yaml, "trainer_test").read([this](Section& section) {
      section.variant_list("objective", config.objective, objectives(), {});
      section.section("optimizer", config.optimizer, {});
      section.section("train", config.train, {});
    });
  }

  std::unique_ptr<Trainer> make() {
    TrainerParts parts;
    parts.config = &config;
    parts.folder = &folder;
    parts.store = &store;
    parts.student = &student;
    parts.teacher = &teacher;
    parts.source = &source;
    parts.total_steps = total;
    parts.batches_per_epoch = 3;
    parts.memory = {{"activations", 1000}};
    parts.looks_at_each_step = looks_at_each_step;
    if (evaluates) parts.eval_batches = {make_batch({tests::random_document(8, 77)})};
    return std::make_unique<Trainer>(std::move(parts));
  }
  TrainingSummary run() { return make()->run(); }
  TrainingSummary resume() {
    const auto trainer = make();
    trainer->resume(load_checkpoint(store.newest_whole()));
    return trainer->run();
  }
  std::string final_weights() const {
    return read_file(folder.final_model() / "model.safetensors");
  }

  RunFolder folder;
  CheckpointStore store;
  RunConfig config;
  Transformer student = tests::make_model(tests::tiny_llama_json());
  Following teacher;
  tests::FakeSource source{3};
  int64_t total;
  bool evaluates = false, looks_at_each_step = true;
};

TEST(Trainer, SavesTheLastStepUnlessToldNotTo) {
  const Scratch scratch;
  TinyRun by_default(scratch / "a", "save_steps: 2", 5);
  by_default.run();
  EXPECT_THAT(by_default.store.steps(), ElementsAre(2, 4, 5));
  TinyRun unsaved(scratch / "b", "save_steps: 2, save_last: false", 5);
  unsaved.run();
  EXPECT_THAT(unsaved.store.steps(), ElementsAre(2, 4));
  TinyRun only_last(scratch / "c", "max_grad_norm: 1", 5);
  only_last.run();
  EXPECT_THAT(only_last.store.steps(), ElementsAre(5));
}

TEST(Trainer, AFinishedRunGoesOnToMoreSteps) {
  const Scratch scratch;
  TinyRun whole(scratch / "whole", "gradient_accumulation_steps: 2", 6);
  whole.run();
  {
    TinyRun first(scratch / "parts", "gradient_accumulation_steps: 2", 4);
    first.run();
    const LoadedCheckpoint saved = load_checkpoint(first.store.newest_whole());
    EXPECT_TRUE(is_finished(saved.state, first.config.train, 4));
    EXPECT_FALSE(is_finished(saved.state, first.config.train, 6));
  }
  TinyRun longer(scratch / "parts", "gradient_accumulation_steps: 2", 6);
  EXPECT_EQ(longer.resume().first_step, 5);
  EXPECT_EQ(longer.final_weights(), whole.final_weights());
}

TEST(Trainer, TheTeacherFollowsAndIsPartOfTheCheckpoint) {
  const Scratch scratch;
  {
    TinyRun run(scratch / "a", "save_steps: 2", 3);
    run.run();
    EXPECT_EQ(run.teacher.updates(), 3);
  }
  TinyRun again(scratch / "a", "save_steps: 2", 5);
  again.resume();
  EXPECT_EQ(again.teacher.updates(), 5);
}

TEST(Trainer, ABadRecordLeavesACheckpointThatGoesOnBitForBit) {
  const Scratch scratch;
  TinyRun whole(scratch / "whole", "gradient_accumulation_steps: 2", 4);
  whole.run();
  {
    TinyRun cut(scratch / "cut", "gradient_accumulation_steps: 2", 4);
    cut.source.spoil(4);
    const std::string error = data_error([&] { cut.run(); });
    EXPECT_THAT(error, HasSubstr("data.jsonl:9: not a record\nSaved "));
    EXPECT_THAT(cut.store.steps(), ElementsAre(2));
  }
  TinyRun mended(scratch / "cut", "gradient_accumulation_steps: 2", 4);
  mended.resume();
  EXPECT_EQ(mended.final_weights(), whole.final_weights());
}

TEST(Trainer, TooLittleMemoryIsAnErrorWithWhatWasLearned) {
  const Scratch scratch;
  TinyRun whole(scratch / "whole", "max_grad_norm: 1", 4);
  whole.run();
  try {
    TinyRun cut(scratch / "cut", "max_grad_norm: 1", 4);
    cut.teacher.fails_at = 2;
    cut.run();
    FAIL() << "expected a TrainingError";
  } catch (const TrainingError& error) {
    EXPECT_THAT(error.what(), HasSubstr("out of memory at step 3: "));
    EXPECT_THAT(error.what(), HasSubstr("activations: 1.0 KB"));
    EXPECT_THAT(error.what(), HasSubstr("train.micro_batch_size"));
    EXPECT_THAT(error.what(), HasSubstr("checkpoint-2: --resume auto goes on from there"));
  }
  TinyRun mended(scratch / "cut", "max_grad_norm: 1", 4);
  mended.resume();
  EXPECT_EQ(mended.final_weights(), whole.final_weights());
}

TEST(Trainer, NothingIsSavedAfterAStepThatWasNotFinite) {
  const Scratch scratch;
  for (const bool looks :
       {true, false}) {  // false: as on a GPU, where nobody asks between log lines
    TinyRun run(scratch / std::to_string(looks), "save_last: true", 50);
    run.config.train.logging_steps = 100;
    run.config.optimizer.learning_rate = 1e30;
    run.looks_at_each_step = looks;
    run.source.spoil(6);
    std::string message;
    try {
      run.run();
    } catch (const Error& error) {
      message = error.what();
    }
    EXPECT_THAT(message, HasSubstr("is not finite; no weight was changed"));
    EXPECT_EQ(message.find("not a record") == std::string::npos, looks) << message;
    EXPECT_TRUE(run.store.steps().empty());
  }
}

TEST(Trainer, EarlyStoppingIsRememberedAndPatienceGoesOn) {
  const Scratch scratch;
  const std::string stopping =
      "eval_steps: 1, metric_for_best_model: eval_nll, early_stopping_patience: ";
  TinyRun run(scratch / "a", stopping + "1", 50);
  run.evaluates = true;
  run.config.optimizer.learning_rate = 0.3;  // overshoots
  const TrainingSummary summary = run.run();
  ASSERT_LT(summary.last_step, 50);
  const LoadedCheckpoint saved = load_checkpoint(run.store.newest_whole());
  EXPECT_EQ(saved.state.step, summary.last_step);
  EXPECT_TRUE(is_finished(saved.state, run.config.train, 50));
  TinyRun patient(scratch / "other", stopping + "30", 50);
  EXPECT_FALSE(is_finished(saved.state, patient.config.train, 50));
}

TEST(Trainer, TheEpochOfAStepCountsItsMicroBatches) {
  const Scratch scratch;
  TinyRun run(scratch / "a", "gradient_accumulation_steps: 2", 4);
  run.run();
  std::vector<double> epochs;
  std::istringstream lines(read_file(run.folder.events()));
  for (std::string line; std::getline(lines, line);) {
    epochs.push_back(parse_json(line, "events")["epoch"].get<double>());
  }
  EXPECT_THAT(epochs, ElementsAre(2.0 / 3, 1.0, 1 + 2.0 / 3, 2.0));
}

}  // namespace
}  // namespace distill
