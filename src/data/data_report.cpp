#include "distill/data/data_report.h"

#include <algorithm>

#include "distill/core/progress.h"

namespace distill {

int64_t LengthCounts::percentile(double share) const {
  const double wanted = share * static_cast<double>(total_);
  int64_t length = 0;
  int64_t seen = 0;
  for (const auto& [candidate, count] : counts_) {
    length = candidate;
    seen += count;
    if (static_cast<double>(seen) >= wanted) break;
  }
  return length;
}

std::string LengthCounts::summary() const {
  if (total_ == 0) return "";
  return "half have at most " + std::to_string(percentile(0.5)) + " tokens, 90 % " +
         std::to_string(percentile(0.9)) + ", 99 % " + std::to_string(percentile(0.99)) + ", all " +
         std::to_string(percentile(1));
}

void DataReport::add(const DataReport& other) {
  records += other.records;
  documents += other.documents;
  tokens += other.tokens;
  loss_tokens += other.loss_tokens;
  longest = std::max(longest, other.longest);
  duplicates += other.duplicates;
  contaminated += other.contaminated;
  bad_records += other.bad_records;
  too_long += other.too_long;
  without_loss += other.without_loss;
  truncated += other.truncated;
  truncated_away += other.truncated_away;
  split += other.split;
}

std::string DataReport::summary() const {
  std::string text = std::to_string(records) + plural(" record", records) + ": " +
                     std::to_string(documents) + plural(" document", documents) + ", " +
                     format_count(tokens) + plural(" token", tokens) + " (" +
                     format_count(loss_tokens) + " in the loss)";
  const auto note = [&text](int64_t count, const std::string& what) {
    if (count > 0) text += "; " + std::to_string(count) + " " + what;
  };
  note(duplicates,
       duplicates == 1 ? "left out as an exact duplicate" : "left out as exact duplicates");
  note(contaminated, "left out for words of an evaluation text");
  note(bad_records, "skipped as unreadable");
  note(too_long, "dropped as longer than max_length (the longest has " + std::to_string(longest) +
                     plural(" token", longest) + ")");
  note(without_loss, "dropped without a token to learn");
  note(truncated_away, "dropped: cut at max_length, no token to learn is left");
  note(truncated, "cut at max_length");
  note(split, "split into several documents");
  return text;
}

}  // namespace distill
