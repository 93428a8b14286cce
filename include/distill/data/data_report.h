// What became of the records: nothing is dropped or cut without a count.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace distill {

/// Documents by length, before max_length.
class LengthCounts {
 public:
  void add(int64_t length) {
    ++counts_[length];
    ++total_;
  }
  int64_t total() const { return total_; }
  /// The length that this share of the documents does not exceed; 0 without documents.
  int64_t percentile(double share) const;
  /// "half have at most 120 tokens, 90 % 240, 99 % 410, all 982"; empty without documents.
  std::string summary() const;

 private:
  std::map<int64_t, int64_t> counts_;
  int64_t total_ = 0;
};

struct DataReport {
  int64_t records = 0;         ///< read
  int64_t documents = 0;       ///< handed on
  int64_t tokens = 0;          ///< of those documents
  int64_t loss_tokens = 0;     ///< of those documents
  int64_t longest = 0;         ///< tokens of the longest, before max_length
  int64_t duplicates = 0;      ///< of the whole set: left out before anything was read
  int64_t contaminated = 0;    ///< the same, for words of an evaluation text
  int64_t bad_records = 0;     ///< skipped: could not be read
  int64_t too_long = 0;        ///< dropped: longer than max_length
  int64_t without_loss = 0;    ///< dropped: no token to learn
  int64_t truncated = 0;       ///< cut at max_length, some tokens to learn are left
  int64_t truncated_away = 0;  ///< dropped: cutting would leave no token to learn
  int64_t split = 0;           ///< cut into several documents

  void add(const DataReport& other);
  /// "7473 records: 7100 documents, 1.6M tokens (850K in the loss); 373 dropped as longer than
  /// max_length (longest 612)"
  std::string summary() const;
  bool operator==(const DataReport&) const = default;
};

}  // namespace distill
