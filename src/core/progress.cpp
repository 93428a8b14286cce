#include "distill/core/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "distill/core/log.h"

namespace distill {
namespace {

constexpr int kBarWidth = 24;

template <typename... Arguments>
std::string print(const char* format, Arguments... arguments) {
  char text[128];
  std::snprintf(text, sizeof text, format, arguments...);
  return text;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return print("%lld s", whole);
  if (whole < 3600) return print("%lld:%02lld", whole / 60, whole % 60);
  return print("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string format_count(int64_t count) {
  const auto value = static_cast<double>(count);
  if (count < 10'000) return std::to_string(count);
  if (count < 1'000'000) return print("%.1fK", value / 1e3);
  if (count < 1'000'000'000) return print("%.1fM", value / 1e6);
  return print("%.2fB", value / 1e9);
}

std::string plural(std::string noun, int64_t count) {
  if (count != 1) noun += 's';
  return noun;
}

std::string format_bytes(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1'000'000) return print("%.1f KB", value / 1e3);
  if (bytes < 1'000'000'000) return print("%.1f MB", value / 1e6);
  return print("%.2f GB", value / 1e9);
}

ProgressLine::ProgressLine(std::string what, int64_t done, int64_t total)
    : what_(std::move(what)), start_(done), total_(std::max<int64_t>(1, total)) {}

ProgressLine::~ProgressLine() { show_progress_line(""); }

double ProgressLine::seconds_left(int64_t done) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin_).count();
  const int64_t finished = std::max<int64_t>(1, done - start_);
  return elapsed / static_cast<double>(finished) * static_cast<double>(total_ - done);
}

void ProgressLine::update(int64_t done, const std::string& details) {
  const Clock::time_point now = Clock::now();
  if (done < total_ && now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  const auto filled = static_cast<size_t>(kBarWidth * std::min(done, total_) / total_);
  show_progress_line(what_ + " [" + std::string(filled, '#') +
                     std::string(kBarWidth - filled, '.') + "] " + std::to_string(done) + "/" +
                     std::to_string(total_) + "  " + details + "  left " +
                     format_duration(seconds_left(done)));
}

}  // namespace distill
