// What a resume finds, keeps and refuses, from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/story_run.h"

namespace distill::integration {
namespace {

using testing::HasSubstr;

TEST(Resume, FromAnEarlierCheckpointStartsABranchOfItsOwn) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const auto steps = [&](const fs::path& output, const std::vector<std::string>& more) {
    std::vector<std::string> all = {"train.max_steps=6", "train.save_steps=2",
                                    "train.save_total_limit=0"};
    all.insert(all.end(), more.begin(), more.end());
    return run(train(config, output, all));
  };
  ASSERT_EQ(steps(scratch / "run", {}).exit_code, 0);
  const std::string second = (scratch / "run" / "checkpoint-2").string();
  const Result branch =
      steps(scratch / "run", {"--resume", second, "optimizer.learning_rate=1.0e-4"});
  ASSERT_EQ(branch.exit_code, 0) << branch.err;
  EXPECT_THAT(branch.err, HasSubstr("goes on from step 2; what came after it is kept as "
                                    "checkpoint-4.abandoned, checkpoint-6.abandoned, "
                                    "final.abandoned, events.jsonl.abandoned"));
  const auto weights = [&](const std::string& folder) {
    return slurp(scratch / "run" / folder / "model.safetensors");
  };
  EXPECT_NE(weights("checkpoint-4"), weights("checkpoint-4.abandoned"));
  EXPECT_EQ(weights("checkpoint-6"), weights("final"));
  EXPECT_EQ(fs::read_symlink(scratch / "run" / "latest"), "checkpoint-6");
  const Result abandoned =
      steps(scratch / "run", {"--resume", (scratch / "run/checkpoint-4.abandoned").string()});
  EXPECT_EQ(abandoned.exit_code, 2);
  EXPECT_THAT(abandoned.err, HasSubstr("is no checkpoint of it"));
  // What goes on now is the new branch.
  const Result longer = steps(
      scratch / "run", {"--resume", "auto", "train.max_steps=7", "optimizer.learning_rate=1.0e-4"});
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_THAT(longer.err, HasSubstr("checkpoint-6 at step 6"));
  EXPECT_EQ(losses(scratch / "run").size(), 9U);  // and the evaluations at the ends
}

TEST(Resume, ACheckpointOfAnotherRunNeedsAFreshFolder) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "a", {"train.max_steps=2"})).exit_code, 0);
  ASSERT_EQ(run(train(config, scratch / "b", {"train.max_steps=1"})).exit_code, 0);
  const std::string foreign = (scratch / "a" / "checkpoint-2").string();
  const auto before = contents(scratch / "b");
  const Result refused = run(train(config, scratch / "b", {"--resume", foreign}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err,
              HasSubstr("holds a run already, and " + foreign + " is no checkpoint of it"));
  EXPECT_EQ(contents(scratch / "b"), before);
  const Result fresh =
      run(train(config, scratch / "c", {"--resume", foreign, "train.max_steps=3"}));
  ASSERT_EQ(fresh.exit_code, 0) << fresh.err;
  const Result on = run(train(config, scratch / "a", {"--resume", "auto", "train.max_steps=3"}));
  ASSERT_EQ(on.exit_code, 0) << on.err;
  EXPECT_EQ(slurp(scratch / "c/final/model.safetensors"),
            slurp(scratch / "a/final/model.safetensors"));
}

TEST(Resume, AFinishedRunIsNotTouched) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  // 5 is no multiple of 2: the last step is saved all the same.
  const std::vector<std::string> five = {"train.max_steps=5", "train.save_steps=2"};
  ASSERT_EQ(run(train(config, scratch / "run", five)).exit_code, 0);
  const auto before = contents(scratch / "run");
  auto resume = five;
  resume.insert(resume.end(), {"--resume", "auto"});
  const Result again = run(train(config, scratch / "run", resume));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("nothing to do: the run was finished at step 5"));
  EXPECT_EQ(contents(scratch / "run"), before);
}

TEST(Resume, AFinishedRunGoesOnToMoreStepsAsIfItHadNeverEnded) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const std::vector<std::string> constant = {"lr_scheduler.type=constant", "train.save_steps=0"};
  const auto steps = [&](const std::string& run_folder, const std::string& count, bool resume) {
    auto more = constant;
    more.push_back("train.max_steps=" + count);
    if (resume) more.insert(more.end(), {"--resume", "auto"});
    return run(train(config, scratch / run_folder, more));
  };
  ASSERT_EQ(steps("whole", "6", false).exit_code, 0);
  ASSERT_EQ(steps("parts", "3", false).exit_code, 0);
  const Result longer = steps("parts", "6", true);
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_EQ(slurp(scratch / "whole/final/model.safetensors"),
            slurp(scratch / "parts/final/model.safetensors"));
}

TEST(Resume, EarlyStoppingIsAnEnd) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  // Nothing is learned at rate 0, so the second evaluation is no better than the first.
  const std::vector<std::string> stopping = {
      "train.eval_steps=1", "train.metric_for_best_model=eval_nll",
      "train.early_stopping_patience=2", "optimizer.learning_rate=0", "train.save_steps=0"};
  ASSERT_EQ(run(train(config, scratch / "run", stopping)).exit_code, 0);
  EXPECT_EQ(fs::read_symlink(scratch / "run" / "latest"), "checkpoint-3");
  const auto before = contents(scratch / "run");
  auto resume = stopping;
  resume.insert(resume.end(), {"--resume", "auto"});
  const Result again = run(train(config, scratch / "run", resume));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("nothing to do: early stopping ended the run at step 3"));
  EXPECT_EQ(contents(scratch / "run"), before);
  resume.push_back("train.early_stopping_patience=4");
  const Result patient = run(train(config, scratch / "run", resume));
  EXPECT_EQ(patient.exit_code, 0) << patient.err;
  EXPECT_EQ(fs::read_symlink(scratch / "run" / "latest"), "checkpoint-5");
}

TEST(Resume, FindsTheNewestWholeCheckpoint) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  ASSERT_EQ(run(train(config, scratch / "run", {"train.max_steps=3"})).exit_code, 0);
  fs::remove(scratch / "run" / "latest");
  fs::create_directory_symlink("checkpoint-99", scratch / "run" / "latest");
  std::ofstream(scratch / "run" / "checkpoint-3" / "config.json") << "{}";
  const Result resumed =
      run(train(config, scratch / "run", {"--resume", "auto", "train.max_steps=4"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("checkpoint-3/config.json: 2 bytes, but the manifest says"));
  EXPECT_THAT(resumed.err, HasSubstr("resumed from " + (scratch / "run/checkpoint-2").string()));
  EXPECT_EQ(fs::read_symlink(scratch / "run" / "latest"), "checkpoint-4");
  EXPECT_EQ(losses(scratch / "run").size(), 5U);  // and an evaluation
}

TEST(Resume, TheTokenizerSurvivesItsFolder) {
  const Scratch scratch;
  fs::copy(kSource / "data/stories260K", scratch / "teacher");
  const std::string config = story_run(scratch);
  const Process process(train(config, scratch / "run",
                              {"teacher.path=" + (scratch / "teacher").string(),
                               "train.max_steps=8", "train.save_steps=1"}));
  wait_for(scratch / "run" / "checkpoint-1");
  fs::remove_all(scratch / "teacher");
  const Result result = process.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(slurp(scratch / "run/final/tokenizer.json"),
            slurp(kSource / "data/stories260K/tokenizer.json"));
}

TEST(Train, TheLastStepOfAnEpochTakesWhatIsLeft) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  // 12 documents, 4 a micro-batch, 8 micro-batches a step: an epoch is one step of three.
  const std::vector<std::string> few = {"data.packing=false",
                                        "data.test_size=0",
                                        "data.train.0.limit=12",
                                        "train.max_steps=null",
                                        "train.micro_batch_size=4",
                                        "train.num_epochs=2",
                                        "train.gradient_accumulation_steps=8"};
  const Result result = run(train(config, scratch / "run", few));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<std::string> steps = losses(scratch / "run");
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(parse_json(steps[0], "events")["epoch"], 1.0);
  EXPECT_EQ(parse_json(steps[1], "events")["epoch"], 2.0);
  EXPECT_THAT(result.err, HasSubstr("data read: 24 records"));
  std::vector<std::string> validate = few;
  validate.insert(validate.begin(), {"validate", "--config", config});
  EXPECT_THAT(run(validate).out, HasSubstr("2 (1 an epoch, the last of each of 3 micro-batches)"));
}

TEST(Train, TheSameDocumentsMakeTheSameStepsHoweverTheyAreCut) {
  const Scratch scratch;
  const std::string config = story_run(scratch);
  const auto first_losses = [&](const std::string& name, const std::string& size,
                                const std::string& accumulation) {
    const Result result =
        run(train(config, scratch / name,
                  {"data.packing=false", "data.test_size=0", "data.train.0.limit=10",
                   "train.max_steps=null", "run.dtype=float64", "train.micro_batch_size=" + size,
                   "train.gradient_accumulation_steps=" + accumulation}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<double> all;
    for (const std::string& line : losses(scratch / name)) {
      all.push_back(parse_json(line, "events")["loss"].get<double>());
    }
    return all;
  };
  const std::vector<double> ones = first_losses("ones", "1", "4");
  const std::vector<double> twos = first_losses("twos", "2", "2");
  const std::vector<double> fours = first_losses("fours", "4", "1");
  ASSERT_EQ(ones.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(ones[i], fours[i], 1e-9);
    EXPECT_NEAR(twos[i], fours[i], 1e-9);
  }
}

}  // namespace
}  // namespace distill::integration
