// What training draws its batches from: a prefetched stream of records, or samples that somebody
// writes as they are asked for.
#pragma once

#include <string>

#include "distill/data/data_report.h"
#include "distill/flow/batch.h"

namespace distill {

class BatchSource {
 public:
  virtual ~BatchSource() = default;

  /// Never empty and never the last. Throws DataError at the batch that cannot be had.
  virtual Batch next() = 0;
  /// Goes on behind the batch whose `after` this is.
  virtual void seek(const StreamState& state) = 0;
  /// Records behind the batches that `next` has returned.
  virtual const DataReport& report() const = 0;
  /// Where a sample came from, as errors name it: "data/train.jsonl:17".
  virtual std::string place(const SampleRef& sample) const = 0;
};

}  // namespace distill
