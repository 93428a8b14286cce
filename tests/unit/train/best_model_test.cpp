#include "train/best_model.h"

#include <gtest/gtest.h>

#include <limits>

namespace distill {
namespace {

Fidelity with_nll(double nll) {
  Fidelity fidelity;
  fidelity.student_nll = nll;
  return fidelity;
}

TrainConfig patient(int64_t patience) {
  TrainConfig config;
  config.metric_for_best_model = "eval_nll";
  config.early_stopping_patience = patience;
  return config;
}

TEST(BestModel, FollowsTheLowestAndCountsTheOthers) {
  const TrainConfig config = patient(2);
  BestState state;
  BestModel best(config, state);
  EXPECT_TRUE(best.follow(with_nll(2.0), 10));
  EXPECT_FALSE(best.follow(with_nll(2.0), 20));
  EXPECT_FALSE(best.exhausted());
  EXPECT_TRUE(best.follow(with_nll(1.5), 30));
  EXPECT_EQ(state, (BestState{1.5, "eval_nll", 30, 0}));
  EXPECT_FALSE(best.follow(with_nll(std::numeric_limits<double>::quiet_NaN()), 40));
  EXPECT_FALSE(best.follow(with_nll(1.6), 50));
  EXPECT_TRUE(best.exhausted());
  EXPECT_TRUE(BestModel::exhausted(config, state)) << "a resumed run knows it from the state";
  EXPECT_FALSE(BestModel::exhausted(patient(3), state)) << "more patience goes on";
}

TEST(BestModel, WithoutAMetricNothingIsFollowed) {
  const TrainConfig config;
  BestState state;
  BestModel best(config, state);
  EXPECT_FALSE(best.follow(with_nll(2.0), 10));
  EXPECT_FALSE(best.exhausted());
  EXPECT_EQ(state, BestState());
}

TEST(BestModel, ABestWithoutAMetricTodayIsForgotten) {
  const TrainConfig config;
  BestState state{0.5, "eval_agreement", 10, 1};
  BestModel best(config, state);
  best.forget_another_metric();
  EXPECT_EQ(state, BestState());
}

TEST(BestModel, PatienceWithAnotherMetricSaysNothingOfTodays) {
  const BestState state{0.5, "eval_agreement", 10, 2};
  EXPECT_FALSE(BestModel::exhausted(patient(2), state));
  const BestState never_finite{{}, "", 0, 2};
  EXPECT_TRUE(BestModel::exhausted(patient(2), never_finite));
}

TEST(BestModel, ABestByAnotherMetricIsForgotten) {
  const TrainConfig config = patient(2);
  BestState state{0.5, "eval_agreement", 10, 1};
  BestModel best(config, state);
  best.forget_another_metric();
  EXPECT_EQ(state, BestState());
  EXPECT_TRUE(best.follow(with_nll(2.0), 20));
  best.forget_another_metric();
  EXPECT_EQ(state.step, 20);
}

}  // namespace
}  // namespace distill
