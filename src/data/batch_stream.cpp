#include "distill/data/batch_stream.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "data/packing.h"
#include "distill/core/error.h"
#include "distill/core/log.h"
#include "distill/core/random.h"

namespace distill {
namespace {

std::string describe(const StreamState& state) {
  return "epoch " + std::to_string(state.epoch) + ", window " + std::to_string(state.window) +
         ", batch " + std::to_string(state.batch);
}

[[noreturn]] void fail_to_seek(const StreamState& state) {
  throw DataError("the data has no place '" + describe(state) +
                  "', where the stream should go on: the data is not what it was");
}

std::vector<Document> take(std::deque<Document>& from, size_t count) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(count, from.size()));
  std::vector<Document> taken(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
  return taken;
}

}  // namespace

BatchOptions::BatchOptions(const DataConfig& data, int64_t documents)
    : micro_batch_size(documents),
      max_length(data.max_length),
      packing(data.packing),
      shuffle(data.shuffle),
      window(data.window) {}

BatchStream::BatchStream(std::shared_ptr<const Dataset> dataset, const BatchOptions& options,
                         uint64_t seed)
    : dataset_(std::move(dataset)), options_(options) {
  constexpr int64_t kMostTokens = std::numeric_limits<int32_t>::max();
  const int64_t size = options.micro_batch_size;
  if (size > kMostTokens / options.max_length) {
    throw ConfigError("micro_batch_size " + std::to_string(size) + " times data.max_length " +
                      std::to_string(options.max_length) + " exceeds " +
                      std::to_string(kMostTokens) + " tokens a batch");
  }
  options_.window = (options.window + size - 1) / size * size;
  state_.seed = seed;
  report_ = dataset_->before();
}

void BatchStream::seek(const StreamState& state) {
  state_ = state;
  window_.reset();
  order_epoch_ = -1;
  empty_windows_ = 0;
}

Batch BatchStream::next() {
  Group group;
  while (group.empty()) {
    if (!window_) open_window();
    group = next_group();
    if (group.empty()) leave_window();
  }
  empty_windows_ = 0;
  Batch batch = make_batch(group);
  batch.epoch = state_.epoch;
  ++state_.batch;
  if (window_->used_up()) leave_window();
  batch.after = state_;
  return batch;
}

int64_t BatchStream::window_count(size_t records) const {
  return (static_cast<int64_t>(records) + options_.window - 1) / options_.window;
}

void BatchStream::open_window() {
  if (state_.epoch < 0 || state_.window < 0 || state_.batch < 0) fail_to_seek(state_);
  if (order_epoch_ != state_.epoch) {
    order_ = dataset_->order(state_.seed, state_.epoch, options_.shuffle);
    order_epoch_ = state_.epoch;
  }
  if (state_.window > 0 && state_.window >= window_count(order_.size())) fail_to_seek(state_);
  window_ = Window();
  window_->next = static_cast<size_t>(state_.window * options_.window);
  window_->end = std::min(window_->next + static_cast<size_t>(options_.window), order_.size());
  if (options_.packing) {
    const std::span samples(order_.data() + window_->next, window_->end - window_->next);
    for (Group& group :
         make_groups(dataset_->documents(samples, report_), state_.epoch, state_.window)) {
      window_->groups.push_back(std::move(group));
    }
    window_->next = window_->end;
  }
  for (int64_t i = 0; i < state_.batch; ++i) {
    if (next_group().empty()) fail_to_seek(state_);
  }
}

std::vector<BatchStream::Group> BatchStream::make_groups(std::vector<Document> documents,
                                                         int64_t epoch, int64_t window) const {
  std::vector<int64_t> lengths;
  for (const Document& document : documents) {
    lengths.push_back(static_cast<int64_t>(document.tokens.size()));
  }
  std::vector<Group> groups;
  for (const auto& bin : pack(lengths, options_.micro_batch_size * options_.max_length)) {
    Group& group = groups.emplace_back();
    for (const size_t i : bin) group.push_back(std::move(documents[i]));
  }
  if (options_.shuffle) {
    const uint64_t seed = derive_seed(state_.seed, "bins", static_cast<uint64_t>(epoch));
    Random(derive_seed(seed, "window", static_cast<uint64_t>(window))).shuffle(std::span(groups));
  }
  return groups;
}

BatchStream::Group BatchStream::next_group() {
  if (options_.packing) {
    if (window_->groups.empty()) return {};
    Group group = std::move(window_->groups.front());
    window_->groups.pop_front();
    return group;
  }
  // One document further than the batch needs, which tells whether it is the window's last; no
  // more, so that the first batch is there at once.
  const auto size = static_cast<size_t>(options_.micro_batch_size);
  while (window_->documents.size() <= size && window_->next < window_->end) {
    const size_t wanted = size + 1 - window_->documents.size();
    const size_t count = std::min(wanted, window_->end - window_->next);
    for (Document& document :
         dataset_->documents(std::span(order_).subspan(window_->next, count), report_)) {
      window_->documents.push_back(std::move(document));
    }
    window_->next += count;
  }
  return take(window_->documents, size);
}

void BatchStream::leave_window() {
  if (state_.batch == 0) ++empty_windows_;
  window_.reset();
  ++state_.window;
  state_.batch = 0;
  const int64_t windows = window_count(order_.size());
  if (state_.window < windows) return;
  if (empty_windows_ >= std::max<int64_t>(windows, 1)) {
    throw DataError("the data gives no document to train on; " + report_.summary());
  }
  ++state_.epoch;
  state_.window = 0;
}

EpochCount BatchStream::count_epoch(int64_t epoch,
                                    const std::function<void(int64_t, int64_t)>& progress,
                                    std::optional<int64_t> windows) const {
  const std::vector<Dataset::Sample> order = dataset_->order(state_.seed, epoch, options_.shuffle);
  auto total = static_cast<int64_t>(order.size());
  if (windows) total = std::min(total, *windows * options_.window);
  EpochCount count;
  count.report = dataset_->before();
  for (int64_t begin = 0; begin < total; begin += options_.window) {
    const int64_t end = std::min(begin + options_.window, total);
    std::vector<Document> documents = dataset_->documents(
        std::span(order).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
        count.report, &count.lengths);
    const auto size = static_cast<int64_t>(documents.size());
    count.batches +=
        options_.packing
            ? static_cast<int64_t>(
                  make_groups(std::move(documents), epoch, begin / options_.window).size())
            : (size + options_.micro_batch_size - 1) / options_.micro_batch_size;
    if (progress) progress(end, total);
  }
  const double room = static_cast<double>(count.batches) *
                      static_cast<double>(options_.micro_batch_size * options_.max_length);
  if (options_.packing && room > 0) count.filled = static_cast<double>(count.report.tokens) / room;
  return count;
}

std::vector<Batch> all_batches(const Dataset& dataset, int64_t micro_batch_size,
                               std::optional<int64_t> limit) {
  std::vector<Dataset::Sample> order = dataset.order(/*seed=*/0, /*epoch=*/0, /*shuffle=*/false);
  if (limit && *limit < static_cast<int64_t>(order.size())) {
    order.resize(static_cast<size_t>(*limit));
  }
  DataReport report;
  std::vector<Document> read = dataset.documents(order, report);
  if (read.empty()) {
    throw DataError("the held-out data gives no document; " + report.summary());
  }
  log_info("held-out data: " + report.summary());
  std::deque<Document> documents(std::make_move_iterator(read.begin()),
                                 std::make_move_iterator(read.end()));
  std::vector<Batch> batches;
  while (!documents.empty()) {
    batches.push_back(make_batch(take(documents, static_cast<size_t>(micro_batch_size))));
  }
  return batches;
}

}  // namespace distill
