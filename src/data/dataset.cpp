#include "distill/data/dataset.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "data/fit.h"
#include "data/order.h"
#include "data/parallel.h"
#include "data/source_tokens.h"
#include "data/token_cache.h"
#include "distill/core/error.h"
#include "distill/core/log.h"
#include "distill/core/random.h"

namespace distill {
namespace {

constexpr size_t kCacheBytes = size_t{256} << 20;
/// Records read before what was mapped for them is released: each may bring a megabyte around it.
constexpr size_t kTogether = 128;

uint64_t key_of(Dataset::Sample sample) { return uint64_t{sample.source} << 32 | sample.record; }

const TokenStore* store_of(const Dataset::Source& source) {
  return source.tokens ? source.tokens->store() : nullptr;
}

}  // namespace

Dataset::Dataset(std::vector<Source> sources, const DataConfig& config, const DataReport& before)
    : sources_(std::move(sources)),
      max_length_(config.max_length),
      too_long_(config.too_long),
      on_bad_record_(config.on_bad_record),
      interleave_(config.interleave),
      before_(before),
      threads_(at::get_num_threads()),
      cache_(std::make_unique<TokenCache>(kCacheBytes)) {}

Dataset::~Dataset() = default;

int64_t Dataset::record_count() const {
  size_t count = 0;
  for (const Source& source : sources_) count += source.records.size();
  return static_cast<int64_t>(count);
}

std::vector<Dataset::Sample> Dataset::order(uint64_t seed, int64_t epoch, bool shuffle) const {
  const auto round = static_cast<uint64_t>(epoch);
  std::vector<std::vector<Sample>> parts(sources_.size());
  for (size_t i = 0; i < sources_.size(); ++i) {
    const std::string number = std::to_string(i);
    const uint64_t draw_seed = derive_seed(seed, "draw " + number, round);
    for (const uint32_t record : epoch_records(sources_[i], draw_seed)) {
      parts[i].push_back({static_cast<uint32_t>(i), record});
    }
    if (shuffle && interleave_) {
      Random(derive_seed(seed, "shuffle " + number, round)).shuffle(std::span(parts[i]));
    }
  }
  if (interleave_) return interleave(parts);
  std::vector<Sample> samples;
  for (const std::vector<Sample>& part : parts) {
    samples.insert(samples.end(), part.begin(), part.end());
  }
  if (shuffle) Random(derive_seed(seed, "shuffle", round)).shuffle(std::span(samples));
  return samples;
}

std::vector<Document> Dataset::documents(std::span<const Sample> samples, DataReport& report,
                                         LengthCounts* lengths) const {
  std::vector<std::optional<Document>> read_documents(samples.size());
  std::vector<std::string> problems(samples.size());
  for (size_t begin = 0; begin < samples.size(); begin += kTogether) {
    const auto piece = samples.subspan(begin, std::min(kTogether, samples.size() - begin));
    require_unchanged(piece);
    parallel_for_each(piece.size(), threads_, [&](size_t i) {
      read_documents[begin + i] = read_or_skip(piece[i], problems[begin + i]);
    });
    release();
  }
  std::vector<Document> documents;
  for (size_t i = 0; i < samples.size(); ++i) {
    ++report.records;
    if (!read_documents[i]) {
      ++report.bad_records;
      log_skipped(samples[i], problems[i]);
      continue;
    }
    if (lengths != nullptr) {
      lengths->add(static_cast<int64_t>(read_documents[i]->tokens.size()));
    }
    read_documents[i]->sample.source = static_cast<int32_t>(samples[i].source);
    read_documents[i]->sample.record = samples[i].record;
    for (Document& piece : fit(std::move(*read_documents[i]), max_length_, too_long_, report)) {
      documents.push_back(std::move(piece));
    }
  }
  return documents;
}

std::optional<Document> Dataset::read_or_skip(Sample sample, std::string& problem) const {
  if (auto document = kept(sample)) return document;  // a damaged store is no bad record
  try {
    return read(sample);
  } catch (const DataError& error) {
    if (on_bad_record_ == OnBadRecord::kError) throw;
    problem = error.what();
    return std::nullopt;
  }
}

void Dataset::require_unchanged(std::span<const Sample> samples) const {
  std::vector<std::vector<uint32_t>> records(sources_.size());
  for (const auto& [source, record] : samples) {
    const TokenStore* store = store_of(sources_.at(source));
    if (!store || !store->has(record)) records[source].push_back(record);
  }
  for (size_t i = 0; i < sources_.size(); ++i) sources_[i].set->require_unchanged(records[i]);
}

void Dataset::release() const {
  for (const Source& source : sources_) {
    source.set->release();
    if (const TokenStore* store = store_of(source)) store->release();
  }
}

void Dataset::keep_tokens(const std::function<void(int64_t, int64_t)>& progress) {
  const auto absent = [](const Source& source) { return source.tokens && !source.tokens->store(); };
  int64_t total = 0;
  for (const Source& source : sources_) {
    if (absent(source)) total += static_cast<int64_t>(source.tokens->records());
  }
  int64_t before = 0;
  for (const Source& source : sources_) {
    if (!absent(source)) continue;
    source.tokens->make(threads_, [&](int64_t done) { progress(before + done, total); });
    before += static_cast<int64_t>(source.tokens->records());
  }
}

std::optional<Document> Dataset::kept(Sample sample) const {
  const TokenStore* store = store_of(sources_.at(sample.source));
  return store ? store->read(sample.record) : cache_->find(key_of(sample));
}

Document Dataset::read(Sample sample) const {
  const Source& source = sources_.at(sample.source);
  const Json record = source.set->read(sample.record);
  Document document;
  try {
    document = source.formatter->format(record);
  } catch (const DataError& error) {
    throw DataError(source.set->place(sample.record) + ": " + error.what());
  }
  if (!store_of(source)) cache_->add(key_of(sample), document);
  return document;
}

void Dataset::log_skipped(Sample sample, const std::string& problem) const {
  const std::lock_guard lock(skipped_mutex_);
  // Later epochs meet the record again.
  if (skipped_.insert(key_of(sample)).second) log_warning("skipped a record: " + problem);
}

std::string Dataset::place(const SampleRef& sample) const {
  const Source& source = sources_.at(static_cast<size_t>(sample.source));
  const std::string place = source.set->place(static_cast<size_t>(sample.record));
  return sample.part == 0 ? place : place + ", part " + std::to_string(sample.part);
}

ContentKey Dataset::hash() const {
  Hasher hasher;
  for (const Source& source : sources_) hasher.add(source.set->hash().hex());
  return hasher.key();
}

}  // namespace distill
