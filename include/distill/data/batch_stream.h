// An endless, resumable stream of batches.
//
// An epoch's order of records is cut into windows, and batches are made inside a window: nothing is
// carried over. So a batch depends on {seed, epoch, window, batch} alone, and resuming is seeking.
// Without packing, micro_batch_size documents in order make a batch (fewer at the end of a window);
// with it, whole documents are packed best-fit into micro_batch_size * max_length tokens.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "distill/data/data_config.h"
#include "distill/data/data_report.h"
#include "distill/data/dataset.h"
#include "distill/flow/batch.h"

namespace distill {

struct BatchOptions {
  int64_t micro_batch_size = 8;  ///< documents
  int64_t max_length = 1024;     ///< tokens of the longest document
  bool packing = false;
  bool shuffle = true;
  int64_t window = 1024;  ///< records; rounded up to whole batches

  BatchOptions() = default;
  BatchOptions(const DataConfig& data, int64_t micro_batch_size);
};

/// What an epoch holds, or the beginning of one.
struct EpochCount {
  int64_t batches = 0;
  double filled = 0;  ///< with packing: share of the batches' room that has tokens
  DataReport report;
  LengthCounts lengths;
};

class BatchStream {
 public:
  /// Reads nothing yet. Throws ConfigError where a batch could exceed 2^31 tokens.
  BatchStream(std::shared_ptr<const Dataset> dataset, const BatchOptions& options, uint64_t seed);

  /// Never empty; goes from epoch to epoch by itself. Throws DataError for a record that cannot be
  /// read, a whole epoch without a document, and a state that the data does not have.
  Batch next();
  /// What the next batch depends on. Windows and epochs that are known to be used up are passed.
  const StreamState& state() const { return state_; }
  void seek(const StreamState& state);
  /// What became of the records that this stream has read.
  const DataReport& report() const { return report_; }
  /// See Dataset::place.
  std::string place(const SampleRef& sample) const { return dataset_->place(sample); }

  /// Reads a whole epoch, or its first `windows`, and counts the batches, as `next` would give
  /// them. Tokens stay in memory (up to 256 MB), so that training does not tokenise again.
  /// `progress` gets records done and in all.
  EpochCount count_epoch(int64_t epoch, const std::function<void(int64_t, int64_t)>& progress = {},
                         std::optional<int64_t> windows = std::nullopt) const;

 private:
  using Group = std::vector<Document>;
  struct Window {
    size_t next = 0;  // records of the order that are not read yet: [next, end)
    size_t end = 0;
    std::deque<Document> documents;  // read, not in a batch yet
    std::deque<Group> groups;        // packed
    bool used_up() const { return next == end && documents.empty() && groups.empty(); }
  };

  int64_t window_count(size_t records) const;
  std::vector<Group> make_groups(std::vector<Document> documents, int64_t epoch,
                                 int64_t window) const;
  void open_window();
  Group next_group();
  void leave_window();

  std::shared_ptr<const Dataset> dataset_;
  BatchOptions options_;
  StreamState state_;
  DataReport report_;
  std::vector<Dataset::Sample> order_;
  int64_t order_epoch_ = -1;
  std::optional<Window> window_;
  int64_t empty_windows_ = 0;  // in a row
};

/// The documents of a set once, in file order, without packing; `limit` records at most. For
/// evaluation. Throws DataError if there is none.
std::vector<Batch> all_batches(const Dataset& dataset, int64_t micro_batch_size,
                               std::optional<int64_t> limit = std::nullopt);

}  // namespace distill
