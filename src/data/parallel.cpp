#include "data/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace distill {
namespace {

/// One call: the numbers that are left, and the exception so far.
class Job {
 public:
  Job(size_t count, const std::function<void(size_t)>& body)
      : count_(count), body_(body), failed_(count) {}

  /// Until no number is left.
  void work() {
    for (size_t i = next_++; i < count_; i = next_++) {
      try {
        body_(i);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (i < failed_) {
          failed_ = i;
          error_ = std::current_exception();
        }
        next_ = count_;  // those before i are under way or done
      }
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  size_t count_;
  const std::function<void(size_t)>& body_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  size_t failed_;
  std::exception_ptr error_;
};

/// Threads that help with one job after another. A caller works on its own job and waits for nobody
/// but the threads that have begun on it, so there is always someone who gets on.
class Pool {
 public:
  /// Never destroyed, and its threads are never joined: they sleep when the process ends.
  static Pool& instance() {
    static Pool& pool = *new Pool;
    return pool;
  }

  void run(Job& job, size_t helpers) {
    Offer offer{&job, helpers};
    {
      const std::lock_guard lock(mutex_);
      for (; threads_ < helpers; ++threads_) std::thread([this] { serve(); }).detach();
      offers_.push_back(&offer);
    }
    for (size_t i = 0; i < helpers; ++i) offered_.notify_one();
    job.work();
    std::unique_lock lock(mutex_);
    std::erase(offers_, &offer);
    left_.wait(lock, [&offer] { return offer.at_work == 0; });
  }

 private:
  struct Offer {
    Job* job;
    size_t places;  // for helpers that may still come
    size_t at_work = 0;
  };

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      offered_.wait(lock, [this] { return !offers_.empty(); });
      Offer& offer = *offers_.front();
      if (--offer.places == 0) offers_.pop_front();
      ++offer.at_work;
      lock.unlock();
      offer.job->work();
      lock.lock();
      if (--offer.at_work == 0) left_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable offered_;
  std::condition_variable left_;
  std::deque<Offer*> offers_;  // with places, the oldest first
  size_t threads_ = 0;
};

}  // namespace

void parallel_for_each(size_t count, int threads, const std::function<void(size_t)>& body) {
  constexpr size_t kWorthAThread = 16;
  Job job(count, body);
  const size_t helpers =
      std::min(static_cast<size_t>(std::max(threads, 1)), count / kWorthAThread + 1) - 1;
  if (helpers == 0) {
    job.work();
  } else {
    Pool::instance().run(job, helpers);
  }
  job.rethrow();
}

}  // namespace distill
