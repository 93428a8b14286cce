#include "data/source_tokens.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "data/record_pass.h"
#include "distill/core/error.h"
#include "distill/core/log.h"

namespace distill {
namespace {

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
  std::vector<uint32_t> records(records_);
  std::iota(records.begin(), records.end(), 0U);
  try {
    TokenStoreWriter writer(name_);
    std::vector<std::optional<std::vector<uint32_t>>> tokens(std::min(kPassPiece, records_));
    size_t written = 0;
    const auto tokenise = [&](size_t record) {
      tokens[record % kPassPiece] = tokens_of(*set_, *formatter_, record);
    };
    pass_over(*set_, records, threads, tokenise, [&](size_t end) {
      for (; written < end; ++written) writer.add(tokens[written % kPassPiece]);
      progress(static_cast<int64_t>(end));
    });
    set_->require_unchanged(records);  // so that nothing else stands under the files' hash
    writer.finish();
  } catch (const DataError& error) {
    set_->require_unchanged(records);  // that ends the run
    log_warning(std::string("the tokens cannot be kept, and each run makes them anew: ") +
                error.what());
    return;
  }
  store_ = TokenStore::open(name_, records_);
}

}  // namespace distill
