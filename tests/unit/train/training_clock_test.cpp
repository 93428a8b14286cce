#include "train/training_clock.h"

#include <gtest/gtest.h>

namespace distill {
namespace {

using std::chrono::seconds;

TEST(TrainingClock, PausesCountForNothing) {
  TrainingClock::Clock::time_point now{};
  TrainingClock clock([&now] { return now; });
  now += seconds(2);
  clock.count(100);
  EXPECT_EQ(clock.pause_for([&now] { now += seconds(30); }), seconds(30));
  now += seconds(3);
  EXPECT_DOUBLE_EQ(clock.seconds(), 5.0);
  EXPECT_DOUBLE_EQ(clock.interval_speed(), 20.0);
  now += seconds(4);
  clock.count(10);
  EXPECT_DOUBLE_EQ(clock.interval_speed(), 2.5);
  EXPECT_DOUBLE_EQ(clock.seconds(), 9.0);
}

}  // namespace
}  // namespace distill
