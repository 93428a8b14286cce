#include "train/training_clock.h"

#include <algorithm>

namespace distill {
namespace {

double in_seconds(TrainingClock::Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

TrainingClock::TrainingClock(Now now)
    : now_(std::move(now)), begin_(now_()), interval_begin_(begin_) {}

TrainingClock::Clock::duration TrainingClock::pause_for(const std::function<void()>& work) {
  const Clock::time_point paused = now_();
  work();
  const Clock::duration time = now_() - paused;
  begin_ += time;
  interval_begin_ += time;
  return time;
}

double TrainingClock::seconds() const { return in_seconds(now_() - begin_); }

double TrainingClock::interval_speed() {
  const double seconds = std::max(1e-9, in_seconds(now_() - interval_begin_));
  const double speed = static_cast<double>(interval_tokens_) / seconds;
  interval_begin_ = now_();
  interval_tokens_ = 0;
  return speed;
}

}  // namespace distill
