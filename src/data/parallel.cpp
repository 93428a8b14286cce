#include "data/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace distill {

void parallel_for_each(size_t count, int threads, const std::function<void(size_t)>& body) {
  constexpr size_t kWorthAThread = 16;
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  size_t failed = count;
  std::exception_ptr error;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      try {
        body(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed) {
          failed = i;
          error = std::current_exception();
        }
        next = count;  // those before i are under way or done
      }
    }
  };
  const size_t helpers =
      std::min(static_cast<size_t>(std::max(threads, 1)), count / kWorthAThread + 1) - 1;
  {
    std::vector<std::jthread> pool;
    for (size_t i = 0; i < helpers; ++i) pool.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace distill
