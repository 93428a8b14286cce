#include "distill/data/dataset.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "data/fit.h"
#include "data/parallel.h"
#include "data/token_cache.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/progress.h"
#include "distill/core/random.h"

namespace distill {
namespace {

constexpr size_t kCacheBytes = size_t{1} << 30;

/// `count` of the records, drawn for one source and epoch, in file order.
std::vector<uint32_t> draw(std::vector<uint32_t> records, size_t count, uint64_t seed) {
  Random random(seed);
  for (size_t i = 0; i < count; ++i) {
    std::swap(records[i], records[i + random.below(records.size() - i)]);
  }
  records.resize(count);
  std::sort(records.begin(), records.end());
  return records;
}

/// Where a record's content falls in [0, 1): the same in every run.
double held_out_share(const RecordSet& set, size_t record) {
  return static_cast<double>(hash_text(set.text(record)).high >> 11) * 0x1.0p-53;
}

Dataset::Source open_source(const SourceConfig& config, TrainOn train_on,
                            const std::shared_ptr<const Tokenizer>& tokenizer,
                            const std::shared_ptr<const ChatTemplate>& chat) {
  Dataset::Source source;
  source.formatter = std::make_shared<const Formatter>(config, train_on, tokenizer, chat);
  source.set = std::make_shared<const RecordSet>(config.path,
                                                 RecordOptions{config.file_type, config.sample_by});
  source.weight = config.weight;
  size_t count = source.set->size();
  if (count > UINT32_MAX) throw DataError(config.path + ": more than 4294967295 records");
  if (config.limit) count = std::min(count, static_cast<size_t>(*config.limit));
  source.records.resize(count);
  std::iota(source.records.begin(), source.records.end(), 0U);
  return source;
}

/// Moves the records whose content falls below `share` into a source of their own.
Dataset::Source hold_out(Dataset::Source& source, double share) {
  Dataset::Source held = source;
  held.weight = 1.0;
  const auto is_held = [&](uint32_t record) { return held_out_share(*source.set, record) < share; };
  std::erase_if(source.records, is_held);
  std::vector<uint32_t> rest;
  std::set_difference(held.records.begin(), held.records.end(), source.records.begin(),
                      source.records.end(), std::back_inserter(rest));
  held.records = std::move(rest);
  return held;
}

}  // namespace

Dataset::Dataset(std::vector<Source> sources, const DataConfig& config)
    : sources_(std::move(sources)),
      max_length_(config.max_length),
      too_long_(config.too_long),
      on_bad_record_(config.on_bad_record),
      threads_(at::get_num_threads()),
      cache_(std::make_unique<TokenCache>(kCacheBytes)) {}

Dataset::~Dataset() = default;

int64_t Dataset::record_count() const {
  size_t count = 0;
  for (const Source& source : sources_) count += source.records.size();
  return static_cast<int64_t>(count);
}

std::vector<Dataset::Sample> Dataset::order(uint64_t seed, int64_t epoch, bool shuffle) const {
  std::vector<Sample> samples;
  const auto round = static_cast<uint64_t>(epoch);
  for (size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    const auto add = [&](const std::vector<uint32_t>& records) {
      for (const uint32_t record : records) samples.push_back({static_cast<uint32_t>(i), record});
    };
    const double passes = std::floor(source.weight);
    for (int64_t pass = 0; pass < static_cast<int64_t>(passes); ++pass) add(source.records);
    const double rest = (source.weight - passes) * static_cast<double>(source.records.size());
    const auto count = static_cast<size_t>(std::llround(rest));
    add(draw(source.records, count, derive_seed(seed, "draw " + std::to_string(i), round)));
  }
  if (shuffle) Random(derive_seed(seed, "shuffle", round)).shuffle(std::span(samples));
  return samples;
}

std::vector<Document> Dataset::documents(std::span<const Sample> samples,
                                         DataReport& report) const {
  std::vector<std::optional<Document>> read_documents(samples.size());
  parallel_for_each(samples.size(), threads_,
                    [&](size_t i) { read_documents[i] = read(samples[i]); });
  std::vector<Document> documents;
  for (std::optional<Document>& document : read_documents) {
    ++report.records;
    if (!document) {
      ++report.bad_records;
      continue;
    }
    for (Document& piece : fit(std::move(*document), max_length_, too_long_, report)) {
      documents.push_back(std::move(piece));
    }
  }
  return documents;
}

std::optional<Document> Dataset::read(Sample sample) const {
  const Source& source = sources_.at(sample.source);
  const uint64_t key = uint64_t{sample.source} << 32 | sample.record;
  std::optional<Document> document = cache_->find(key);
  if (!document) {
    Json record;
    try {
      record = source.set->read(sample.record);
    } catch (const DataError& error) {
      return bad_record(error.what());
    }
    try {
      document = source.formatter->format(record);
    } catch (const DataError& error) {
      return bad_record(source.set->place(sample.record) + ": " + error.what());
    }
    cache_->add(key, *document);
  }
  document->sample.source = static_cast<int32_t>(sample.source);
  document->sample.record = sample.record;
  return document;
}

std::optional<Document> Dataset::bad_record(const std::string& problem) const {
  constexpr int kLogged = 5;
  if (on_bad_record_ == OnBadRecord::kError) throw DataError(problem);
  const int before = skipped_++;
  if (before < kLogged) log_warning("skipped a record: " + problem);
  if (before == kLogged) log_warning("further records that are skipped are only counted");
  return std::nullopt;
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

std::shared_ptr<const Dataset> load_sources(const std::vector<SourceConfig>& sources,
                                            const DataConfig& config,
                                            const std::shared_ptr<const Tokenizer>& tokenizer,
                                            const std::shared_ptr<const ChatTemplate>& chat) {
  std::vector<Dataset::Source> opened;
  for (const SourceConfig& source : sources) {
    opened.push_back(open_source(source, config.train_on, tokenizer, chat));
  }
  return std::make_shared<const Dataset>(std::move(opened), config);
}

DataSplits load_data(const DataConfig& config, const std::shared_ptr<const Tokenizer>& tokenizer,
                     const std::shared_ptr<const ChatTemplate>& chat) {
  DataConfig held_out = config;
  if (config.eval_max_length) {
    held_out.max_length = *config.eval_max_length;
    held_out.too_long = TooLong::kTruncate;
  }
  if (config.test_size == 0) {
    DataSplits splits;
    splits.train = load_sources(config.train, config, tokenizer, chat);
    if (!config.eval.empty()) splits.eval = load_sources(config.eval, held_out, tokenizer, chat);
    return splits;
  }
  std::vector<Dataset::Source> train;
  std::vector<Dataset::Source> eval;
  for (const SourceConfig& source : config.train) {
    train.push_back(open_source(source, config.train_on, tokenizer, chat));
    eval.push_back(hold_out(train.back(), config.test_size));
  }
  DataSplits splits;
  splits.train = std::make_shared<const Dataset>(std::move(train), config);
  splits.eval = std::make_shared<const Dataset>(std::move(eval), held_out);
  const int64_t trained = splits.train->record_count();
  const int64_t held = splits.eval->record_count();
  if (trained == 0 || held == 0) {
    throw DataError("data.test_size leaves " + std::to_string(trained) +
                    plural(" record", trained) + " to train on and " + std::to_string(held) +
                    " held out, of so few that the hash decides; hold nothing out with "
                    "data.test_size=0, or name a file of held-out records in data.eval");
  }
  return splits;
}

std::shared_ptr<const ChatTemplate> choose_chat_template(
    const std::string& setting, const std::filesystem::path& model_folder) {
  if (setting == "none") return nullptr;
  if (setting == "auto") return load_chat_template(model_folder);
  return ChatTemplate::parse(read_file(setting), setting);
}

}  // namespace distill
