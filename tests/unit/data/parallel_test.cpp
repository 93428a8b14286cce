#include "data/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace distill {
namespace {

using namespace std::chrono_literals;

size_t threads_of_this_process() {
  size_t count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.exists()) ++count;
  }
  return count;
}

/// Every number once, whatever the other callers do.
void count_to(size_t count, int threads) {
  std::vector<std::atomic<int>> seen(count);
  parallel_for_each(count, threads, [&](size_t i) { ++seen[i]; });
  for (size_t i = 0; i < count; ++i) ASSERT_EQ(seen[i], 1) << i;
}

TEST(Parallel, VisitsEachNumberOnce) {
  for (const size_t count : {0U, 1U, 15U, 16U, 17U, 128U, 1000U}) {
    for (const int threads : {-1, 0, 1, 2, 5}) count_to(count, threads);
  }
}

/// Holds the bodies until `wanted` threads are in them, or two seconds are over.
class Meeting {
 public:
  explicit Meeting(size_t wanted) : wanted_(wanted) {}
  void join() {
    std::unique_lock lock(mutex_);
    there_.insert(std::this_thread::get_id());
    changed_.notify_all();
    changed_.wait_for(lock, 2s, [this] { return there_.size() >= wanted_; });
  }
  size_t size() const { return there_.size(); }

 private:
  size_t wanted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::thread::id> there_;
};

TEST(Parallel, UsesAsManyThreadsAsItMay) {
  Meeting meeting(3);
  parallel_for_each(64, 3, [&](size_t) { meeting.join(); });
  EXPECT_EQ(meeting.size(), 3U);
  Meeting alone(1);
  parallel_for_each(15, 3, [&](size_t) { alone.join(); });
  EXPECT_EQ(alone.size(), 1U) << "not worth a thread";
}

TEST(Parallel, ThreadsStayForTheNextCall) {
  count_to(1000, 4);
  const size_t before = threads_of_this_process();
  std::set<std::thread::id> seen;
  std::mutex mutex;
  for (int call = 0; call < 100; ++call) {
    parallel_for_each(128, 4, [&](size_t) {
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
  }
  EXPECT_EQ(threads_of_this_process(), before);
  EXPECT_LE(seen.size(), before);
}

TEST(Parallel, TheFirstOfManyExceptionsIsThrown) {
  for (int round = 0; round < 200; ++round) {
    try {
      parallel_for_each(500, 4, [](size_t i) {
        if (i >= 100) throw std::runtime_error(std::to_string(i));
      });
      FAIL();
    } catch (const std::runtime_error& error) {
      ASSERT_STREQ(error.what(), "100");
    }
  }
  count_to(500, 4);
}

TEST(Parallel, SeveralCallersShareThePool) {
  std::vector<std::jthread> callers;
  std::atomic<int> failures = 0;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([caller, &failures] {
      for (int round = 0; round < 200; ++round) {
        const auto stop = static_cast<size_t>(20 + caller * 10 + round % 7);
        std::atomic<size_t> sum = 0;
        try {
          parallel_for_each(200, 2 + caller % 3, [&](size_t i) {
            if (round % 2 == 1 && i >= stop) throw stop;
            sum += i;
          });
          if (round % 2 == 1 || sum != 199 * 200 / 2) ++failures;
        } catch (const size_t thrown) {
          if (round % 2 == 0 || thrown != stop) ++failures;
        }
      }
    });
  }
  callers.clear();
  EXPECT_EQ(failures, 0);
}

TEST(Parallel, ABodyMayCallItToo) {
  std::atomic<size_t> sum = 0;
  std::vector<std::jthread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&sum] {
      parallel_for_each(40, 4, [&](size_t) {
        parallel_for_each(40, 4,
                          [&](size_t) { parallel_for_each(20, 4, [&](size_t i) { sum += i; }); });
      });
    });
  }
  callers.clear();
  EXPECT_EQ(sum, 3U * 40 * 40 * (19 * 20 / 2));
}

TEST(Parallel, WaitingThreadsDoNotSpin) {
  count_to(1000, 4);
  const auto seconds = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
  };
  const double before = seconds();
  std::this_thread::sleep_for(300ms);
  EXPECT_LT(seconds() - before, 0.1);
}

}  // namespace
}  // namespace distill
