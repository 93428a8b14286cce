// Several sources of records as one set of documents, in an order for each epoch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "distill/core/hash.h"
#include "distill/data/data_config.h"
#include "distill/data/data_files.h"
#include "distill/data/data_report.h"
#include "distill/data/formatter.h"
#include "distill/data/record_set.h"
#include "distill/flow/batch.h"

namespace distill {

class SourceTokens;
class TokenCache;

/// Safe to share between threads, but for `keep_tokens`.
class Dataset {
 public:
  /// A record of a source.
  struct Sample {
    uint32_t source;
    uint32_t record;
    bool operator==(const Sample&) const = default;
  };
  /// The records that this set takes from a source's files.
  struct Source {
    std::shared_ptr<const RecordSet> set;
    std::shared_ptr<const Formatter> formatter;
    std::vector<uint32_t> records;
    double weight = 1.0;
    std::optional<int64_t> num_samples = std::nullopt;
    std::shared_ptr<SourceTokens> tokens = nullptr;  // null: not worth keeping on disk
  };

  /// `before` says which records the sources have lost already; the stream's report starts with it.
  Dataset(std::vector<Source> sources, const DataConfig& config, const DataReport& before = {});
  ~Dataset();

  int64_t record_count() const;
  const DataReport& before() const { return before_; }
  /// The records of one epoch: whole passes over each source and, for the rest of its weight or
  /// num_samples, records drawn anew each epoch. Shuffled, or in file order; source after source,
  /// or the sources evenly interleaved.
  std::vector<Sample> order(uint64_t seed, int64_t epoch, bool shuffle) const;
  /// The documents of records, in their order, tokenised in parallel and at most max_length long.
  /// Outcomes are added to `report`, and the lengths before max_length to `lengths`. Throws
  /// DataError that names path and line, and for a file that is not what it was when it was opened.
  std::vector<Document> documents(std::span<const Sample> samples, DataReport& report,
                                  LengthCounts* lengths = nullptr) const;
  /// Tokenises the sources that are worth it into the user's cache folder, unless they are there
  /// already. To be called before this set is shared, or what was held out of its sources, which
  /// then has these tokens, too. `progress` gets records done and in all. Throws as `documents`
  /// does for a file that has changed, and Interrupted.
  void keep_tokens(const std::function<void(int64_t, int64_t)>& progress);
  /// "data/train.jsonl:17"; of a record that was split, with ", part 2".
  std::string place(const SampleRef& sample) const;
  /// Identity of the sources' files.
  ContentKey hash() const;

 private:
  /// Of the files that these records are read from; kept tokens need none.
  void require_unchanged(std::span<const Sample> samples) const;
  /// The record's document before max_length; nothing for a bad one that is skipped, but its
  /// `problem`.
  std::optional<Document> read_or_skip(Sample sample, std::string& problem) const;
  /// From disk or memory; the sample is empty. Throws DataError for tokens that are damaged.
  std::optional<Document> kept(Sample sample) const;
  /// The same from the source. Throws DataError that names the place.
  Document read(Sample sample) const;
  void release() const;
  void log_skipped(Sample sample, const std::string& problem) const;

  std::vector<Source> sources_;
  int64_t max_length_;
  TooLong too_long_;
  OnBadRecord on_bad_record_;
  bool interleave_;
  DataReport before_;
  int threads_;
  std::unique_ptr<TokenCache> cache_;
  mutable std::mutex skipped_mutex_;
  mutable std::unordered_set<uint64_t> skipped_;  // logged already
};

/// The two sides of a run's data; eval is null where nothing is held out.
struct DataSplits {
  std::shared_ptr<Dataset> train;
  std::shared_ptr<const Dataset> eval;
};

/// Maps and indexes the files; reads no record. `chat` may be null. Throws DataError, also where
/// test_size leaves a side empty.
DataSplits load_data(const DataConfig& config, const std::shared_ptr<const Tokenizer>& tokenizer,
                     const std::shared_ptr<const ChatTemplate>& chat);

/// The same of files that were looked up before, for the same configuration.
DataSplits load_data(const DataConfig& config, const DataFiles& files,
                     const std::shared_ptr<const Tokenizer>& tokenizer,
                     const std::shared_ptr<const ChatTemplate>& chat);

/// One set out of `sources`, as for a command that reads data without training.
std::shared_ptr<const Dataset> load_sources(const std::vector<SourceConfig>& sources,
                                            const DataConfig& config,
                                            const std::shared_ptr<const Tokenizer>& tokenizer,
                                            const std::shared_ptr<const ChatTemplate>& chat);

/// data.chat_template: the model folder's ("auto"; null if it has none), null ("none"), or that of
/// a Jinja file. Throws DataError.
std::shared_ptr<const ChatTemplate> choose_chat_template(const std::string& setting,
                                                         const std::filesystem::path& model_folder);

}  // namespace distill
