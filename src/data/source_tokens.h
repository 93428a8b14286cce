// The tokens of one source: from the kept store where there is one, and how it is made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "data/token_store.h"
#include "distill/data/formatter.h"
#include "distill/data/record_set.h"

namespace distill {

/// Smaller sources are tokenised by each run: that takes a second or so.
inline constexpr size_t kWorthAStore = size_t{8} << 20;

/// Safe to share between threads, but for `make`.
class SourceTokens {
 public:
  /// Opens the store of the first `records` records, if it is there.
  SourceTokens(std::shared_ptr<const RecordSet> set, std::shared_ptr<const Formatter> formatter,
               size_t records);

  /// Null before `make`, where it was not there.
  const TokenStore* store() const { return store_.get(); }
  size_t records() const { return records_; }
  /// Tokenises all records into a store, where there is none. A folder that cannot be written is
  /// warned of. `progress` gets the records done; what it throws ends the work. Throws DataError
  /// where a file has changed, and Interrupted.
  void make(int threads, const std::function<void(int64_t)>& progress);

 private:
  std::shared_ptr<const RecordSet> set_;
  std::shared_ptr<const Formatter> formatter_;
  size_t records_;
  ContentKey name_;
  std::unique_ptr<const TokenStore> store_;
};

}  // namespace distill
