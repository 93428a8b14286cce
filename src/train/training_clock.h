// Time that counts as training: evaluation and saving do not.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace distill {

class TrainingClock {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;

  explicit TrainingClock(Now now = Clock::now);

  /// Tokens of a step that is done.
  void count(int64_t tokens) { interval_tokens_ += tokens; }
  /// Runs `work` with the clock stopped, and gives the time that it took.
  Clock::duration pause_for(const std::function<void()>& work);

  /// Since the clock was made.
  double seconds() const;
  /// Tokens a second since the last call.
  double interval_speed();

 private:
  Now now_;
  Clock::time_point begin_, interval_begin_;  // later by what was paused
  int64_t interval_tokens_ = 0;
};

}  // namespace distill
