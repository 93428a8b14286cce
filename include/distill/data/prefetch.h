// A thread that prepares batches ahead.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "distill/data/batch_source.h"
#include "distill/data/batch_stream.h"

namespace distill {

/// The batches of a stream, in its order. What has been read ahead is nobody's state: a batch
/// carries the stream's state after it.
class Prefetcher final : public BatchSource {
 public:
  /// `depth` batches ahead; 0: no thread. The thread starts with the first `next`.
  Prefetcher(BatchStream stream, int64_t depth);
  ~Prefetcher() override;
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// Throws what the stream throws, at the batch where it throws it.
  Batch next() override;
  /// Batches that were read ahead are dropped.
  void seek(const StreamState& state) override;
  const DataReport& report() const override { return report_; }
  std::string place(const SampleRef& sample) const override { return stream_.place(sample); }

 private:
  struct Item {
    Batch batch;
    DataReport report;
    std::exception_ptr error;
  };

  void work(const std::stop_token& stop);
  void stop();

  BatchStream stream_;
  size_t depth_;
  DataReport report_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> ready_;
  std::jthread thread_;
};

}  // namespace distill
