// What a person sees of a long run: a moving line on a terminal, plain log lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace distill {

/// "1:02:03", "2:03", "12 s".
std::string format_duration(double seconds);

/// "135.2M", "7.6B".
std::string format_count(int64_t count);

/// The noun of a count: "step" for 1, "steps" for any other.
std::string plural(std::string noun, int64_t count);

/// "1.5 GB".
std::string format_bytes(int64_t bytes);

/// Steps done, speed and time left. Redrawn at most ten times a second.
class ProgressLine {
 public:
  ProgressLine(std::string what, int64_t done, int64_t total);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void update(int64_t done, const std::string& details);
  /// Time that does not count as work.
  void pause(std::chrono::steady_clock::duration time) { begin_ += time; }
  /// Seconds left at the speed so far.
  double seconds_left(int64_t done) const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  int64_t start_;
  int64_t total_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_{};
};

}  // namespace distill
