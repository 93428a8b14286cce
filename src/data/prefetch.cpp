#include "distill/data/prefetch.h"

namespace distill {

Prefetcher::Prefetcher(BatchStream stream, int64_t depth)
    : stream_(std::move(stream)), depth_(static_cast<size_t>(depth)) {}

Prefetcher::~Prefetcher() { stop(); }

Batch Prefetcher::next() {
  if (depth_ == 0) {
    Batch batch = stream_.next();
    report_ = stream_.report();
    return batch;
  }
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& token) { work(token); });
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty(); });
  // An error stays in front: the thread has ended with it.
  if (ready_.front().error) std::rethrow_exception(ready_.front().error);
  Item item = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  report_ = item.report;
  return std::move(item.batch);
}

void Prefetcher::seek(const StreamState& state) {
  stop();
  stream_.seek(state);
}

void Prefetcher::work(const std::stop_token& token) {
  while (!token.stop_requested()) {
    Item item;
    try {
      item.batch = stream_.next();
      item.report = stream_.report();
    } catch (...) {
      item.error = std::current_exception();
    }
    const bool failed = item.error != nullptr;
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, token, [this] { return ready_.size() < depth_; })) return;
    ready_.push_back(std::move(item));
    changed_.notify_all();
    if (failed) return;
  }
}

void Prefetcher::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
    thread_ = {};
  }
  ready_.clear();
}

}  // namespace distill
