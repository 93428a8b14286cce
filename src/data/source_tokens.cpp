#include "data/source_tokens.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "data/parallel.h"
#include "distill/core/error.h"
#include "distill/core/log.h"

namespace distill {
namespace {

constexpr size_t kTogether = 4096;

/// Nothing for a record that cannot be read: whether that is an error is asked when it is used.
std::optional<std::vector<uint32_t>> tokens_of(const RecordSet& set, const Formatter& formatter,
                                               size_t record) {
  try {
    return compact_tokens(formatter.format(set.read(record)));
  } catch (const DataError&) {
    return std::nullopt;
  }
}

}  // namespace

SourceTokens::SourceTokens(std::shared_ptr<const RecordSet> set,
                           std::shared_ptr<const Formatter> formatter, size_t records)
    : set_(std::move(set)), formatter_(std::move(formatter)), records_(records) {
  Hasher hasher;
  hasher.add(set_->hash().hex()).add(formatter_->identity().hex());
  name_ = hasher.add(static_cast<int64_t>(records_)).key();
  store_ = TokenStore::open(name_, records_);
}

void SourceTokens::make(int threads, const std::function<void(int64_t)>& progress) {
  if (store_) return;
  try {
    TokenStoreWriter writer(name_);
    for (size_t begin = 0; begin < records_; begin += kTogether) {
      std::vector<std::optional<std::vector<uint32_t>>> tokens(
          std::min(kTogether, records_ - begin));
      parallel_for_each(tokens.size(), threads,
                        [&](size_t i) { tokens[i] = tokens_of(*set_, *formatter_, begin + i); });
      set_->release();
      for (const auto& document : tokens) writer.add(document);
      progress(static_cast<int64_t>(begin + tokens.size()));
    }
    writer.finish();
  } catch (const DataError& error) {
    log_warning(std::string("the tokens cannot be kept, and each run makes them anew: ") +
                error.what());
    return;
  }
  store_ = TokenStore::open(name_, records_);
}

}  // namespace distill
