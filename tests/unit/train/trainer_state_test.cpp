#include "distill/train/trainer_state.h"

#include <gtest/gtest.h>

namespace distill {
namespace {

TEST(TrainerState, SurvivesItsFile) {
  TrainerState state;
  state.step = 7;
  state.stream = {42, 1, 2, 3};
  state.epoch_batches = 5;
  state.tokens = 1000;
  state.loss_tokens = 600;
  state.best = {0.1 + 0.2, "eval_nll", 6, 2};
  state.evaluation_due = true;
  state.identity = {{"data.max_length", "96"}, {"tokenizer", "ab"}};
  EXPECT_EQ(trainer_state_from_json(parse_json(to_json(state).dump(), "state"), "state"), state);
  EXPECT_EQ(trainer_state_from_json(to_json(TrainerState()), "state"), TrainerState());
}

TEST(TrainerState, OfAnEarlierVersionIsRead) {
  Json json = to_json(TrainerState());
  json["format"] = 1;
  json.erase("epoch_batches");
  json.erase("evaluation_due");
  EXPECT_EQ(trainer_state_from_json(json, "state"), TrainerState());
}

}  // namespace
}  // namespace distill
