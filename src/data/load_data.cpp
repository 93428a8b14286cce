// From the configuration to the sets of a run.
#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>

#include "data/decontaminate.h"
#include "data/duplicates.h"
#include "data/record_pass.h"
#include "data/source_tokens.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/progress.h"
#include "distill/data/dataset.h"

namespace distill {
namespace {

/// Where a record's content falls in [0, 1): the same in every run.
double held_out_share(const RecordSet& set, size_t record) {
  return static_cast<double>(hash_text(set.text(record)).high >> 11) * 0x1.0p-53;
}

Dataset::Source open_source(const SourceConfig& config, const SourceFiles& files,
                            const DataConfig& data,
                            const std::shared_ptr<const Tokenizer>& tokenizer,
                            const std::shared_ptr<const ChatTemplate>& chat) {
  Dataset::Source source;
  source.formatter = std::make_shared<const Formatter>(config, data.train_on, tokenizer, chat);
  source.set = std::make_shared<const RecordSet>(files.paths(),
                                                 RecordOptions{config.file_type, config.sample_by});
  source.weight = config.weight;
  source.num_samples = config.num_samples;
  size_t count = source.set->size();
  if (count > UINT32_MAX) throw DataError(config.path + ": more than 4294967295 records");
  if (config.limit) count = std::min(count, static_cast<size_t>(*config.limit));
  source.records.resize(count);
  std::iota(source.records.begin(), source.records.end(), 0U);
  if (data.token_cache && source.set->bytes() >= kWorthAStore && !config.limit) {
    source.tokens = std::make_shared<SourceTokens>(source.set, source.formatter, count);
  }
  return source;
}

/// Moves the records whose content falls below `share` into a source of their own.
Dataset::Source hold_out(Dataset::Source& source, double share, int threads) {
  std::vector<char> is_held(source.records.size());
  const auto decide = [&](size_t at) {
    is_held[at] = held_out_share(*source.set, source.records[at]) < share ? 1 : 0;
  };
  pass_over(*source.set, source.records, threads, decide, [](size_t) {});
  Dataset::Source held = source;
  held.weight = 1.0;
  held.num_samples.reset();
  held.records.clear();
  std::vector<uint32_t> rest;
  for (size_t at = 0; at < is_held.size(); ++at) {
    (is_held[at] != 0 ? held.records : rest).push_back(source.records[at]);
  }
  source.records = std::move(rest);
  return held;
}

std::vector<Dataset::Source> open_sources(const std::vector<SourceConfig>& sources,
                                          const std::vector<SourceFiles>& files,
                                          const DataConfig& config,
                                          const std::shared_ptr<const Tokenizer>& tokenizer,
                                          const std::shared_ptr<const ChatTemplate>& chat) {
  std::vector<Dataset::Source> opened;
  for (size_t i = 0; i < sources.size(); ++i) {
    opened.push_back(open_source(sources[i], files[i], config, tokenizer, chat));
  }
  return opened;
}

}  // namespace

std::shared_ptr<const Dataset> load_sources(const std::vector<SourceConfig>& sources,
                                            const DataConfig& config,
                                            const std::shared_ptr<const Tokenizer>& tokenizer,
                                            const std::shared_ptr<const ChatTemplate>& chat) {
  const std::vector<SourceFiles> files(sources.begin(), sources.end());
  return std::make_shared<const Dataset>(open_sources(sources, files, config, tokenizer, chat),
                                         config);
}

DataSplits load_data(const DataConfig& config, const std::shared_ptr<const Tokenizer>& tokenizer,
                     const std::shared_ptr<const ChatTemplate>& chat) {
  return load_data(config, DataFiles(config), tokenizer, chat);
}

DataSplits load_data(const DataConfig& config, const DataFiles& files,
                     const std::shared_ptr<const Tokenizer>& tokenizer,
                     const std::shared_ptr<const ChatTemplate>& chat) {
  DataConfig held_out = config;
  if (config.eval_max_length) {
    held_out.max_length = *config.eval_max_length;
    held_out.too_long = TooLong::kTruncate;
  }
  const int threads = at::get_num_threads();
  const auto open = [&](const std::vector<SourceConfig>& sources,
                        const std::vector<SourceFiles>& found) {
    return open_sources(sources, found, config, tokenizer, chat);
  };
  std::vector<Dataset::Source> train = open(config.train, files.train);
  std::vector<Dataset::Source> eval = open(config.eval, files.eval);
  DataReport before;
  if (config.deduplicate) before.duplicates = remove_duplicates(train, threads);
  if (config.test_size > 0) {
    for (Dataset::Source& source : train) {
      eval.push_back(hold_out(source, config.test_size, threads));
    }
  }
  if (config.contamination) {
    std::vector<Dataset::Source> texts = open(config.contamination->against, files.against);
    texts.insert(texts.end(), eval.begin(), eval.end());
    before.contaminated = check_contamination(train, texts, config, threads);
  }
  DataSplits splits;
  splits.train = std::make_shared<Dataset>(std::move(train), config, before);
  if (!eval.empty()) splits.eval = std::make_shared<const Dataset>(std::move(eval), held_out);
  if (config.test_size == 0) return splits;
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
