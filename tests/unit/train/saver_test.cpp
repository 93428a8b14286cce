// What a run writes of its model, and what a failure leaves.
#include "train/saver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "unit/io/scratch.h"
#include "unit/model/tiny_models.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Saves : public testing::Test {
 protected:
  static TrainerState state_of(int64_t step) {
    TrainerState state;
    state.step = step;
    state.identity = {{"data.train.0.path", "private/records.jsonl"}};
    return state;
  }
  Saver saver(int64_t limit) { return {store_, folder_, student_, {}, limit}; }

  Scratch scratch_;
  RunFolder folder_{scratch_ / "run"};
  CheckpointStore store_{scratch_ / "run"};
  Transformer student_ = tests::make_model(tests::tiny_llama_json());
};

TEST_F(Saves, ACheckpointHasTheModelAndOldOnesGo) {
  Saver saver = this->saver(2);
  for (const int64_t step : {1, 2, 3}) saver.save(state_of(step), {});
  EXPECT_THAT(store_.steps(), ElementsAre(2, 3));
  EXPECT_TRUE(fs::exists(store_.folder(3) / "model.safetensors"));
  EXPECT_TRUE(fs::exists(store_.folder(3) / "config.json"));
}

TEST_F(Saves, TheBestStaysWhenOldOnesGo) {
  Saver saver = this->saver(2);
  saver.save_best(state_of(1), {});
  for (const int64_t step : {2, 3}) saver.save(state_of(step), {});
  EXPECT_THAT(store_.steps(), ElementsAre(1, 3));
  EXPECT_EQ(fs::read_symlink(folder_.path() / "best"), "checkpoint-1");
}

TEST_F(Saves, TheFinalModelSaysWhichStepItIsOfAndNothingOfTheMachine) {
  Saver saver = this->saver(0);
  saver.save(state_of(4), {});
  saver.write_final(state_of(4));
  EXPECT_EQ(read_file(folder_.final_model() / "model.safetensors"),
            read_file(store_.folder(4) / "model.safetensors"));
  const std::optional<TrainerState> state = read_state(folder_.final_model());
  ASSERT_TRUE(state);
  EXPECT_EQ(state->step, 4);
  EXPECT_TRUE(state->identity.empty());
  EXPECT_THROW(load_checkpoint(folder_.final_model()), CheckpointError);
}

TEST_F(Saves, AFinalModelThatCannotBeWrittenLeavesTheOneThatIsThere) {
  Saver saver = this->saver(0);
  saver.write_final(state_of(4));
  scratch_.file("run/final.partial", "in the way of nothing: it is removed");
  saver.write_final(state_of(5));
  EXPECT_EQ(read_state(folder_.final_model())->step, 5);
  fs::remove_all(scratch_ / "run");
  scratch_.file("run", "no folder");
  EXPECT_THAT(data_error([&] { saver.write_final(state_of(6)); }),
              HasSubstr("final: the model could not be saved: "));
}

}  // namespace
}  // namespace distill
