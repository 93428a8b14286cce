#include "data/decontaminate.h"

#include <map>
#include <mutex>
#include <utility>

#include "data/contamination.h"
#include "data/record_pass.h"
#include "distill/core/error.h"
#include "distill/core/log.h"
#include "distill/core/progress.h"

namespace distill {
namespace {

constexpr size_t kNamed = 5;

using Found = std::map<std::pair<size_t, size_t>, NgramIndex::Match>;  // by source and place in it

/// The text of an evaluation record. Throws DataError that names the place.
std::string text_of(const Dataset::Source& source, uint32_t record) {
  const Json json = source.set->read(record);
  try {
    return source.formatter->plain_text(json);
  } catch (const DataError& error) {
    throw DataError(source.set->place(record) + ": " + error.what());
  }
}

NgramIndex index_of(const std::vector<Dataset::Source>& evaluation, size_t ngram,
                    OnBadRecord on_bad_record) {
  NgramIndex index(ngram);
  int64_t texts = 0;
  for (const Dataset::Source& source : evaluation) {
    source.set->require_unchanged(source.records);
    for (const uint32_t record : source.records) {
      try {
        index.add(text_of(source, record), source.set->place(record));
        ++texts;
      } catch (const DataError& error) {
        if (on_bad_record == OnBadRecord::kError) throw;
        log_warning("contamination: skipped an evaluation record: " + std::string(error.what()));
      }
    }
  }
  if (index.size() == 0) throw DataError("contamination: the evaluation sources have no words");
  log_info("contamination: looking for " + std::to_string(texts) +
           plural(" evaluation text", texts));
  return index;
}

Found look_up(const std::vector<Dataset::Source>& train, const NgramIndex& index, int threads) {
  Found found;
  std::mutex mutex;
  visit_records(train, threads, "look for evaluation texts",
                [&](size_t source, size_t at, const Json& record) {
                  std::optional<NgramIndex::Match> match;
                  try {
                    match = index.find(train[source].formatter->plain_text(record));
                  } catch (const DataError&) {
                    return;
                  }
                  if (!match) return;
                  const std::lock_guard lock(mutex);
                  found.emplace(std::pair(source, at), std::move(*match));
                });
  return found;
}

std::string sentence(const Dataset::Source& source, size_t at, const NgramIndex::Match& match) {
  return source.set->place(source.records[at]) + " has the words '" + match.words + "' of " +
         match.place;
}

}  // namespace

int64_t check_contamination(std::vector<Dataset::Source>& train,
                            const std::vector<Dataset::Source>& evaluation, const DataConfig& data,
                            int threads) {
  const ContaminationConfig& config = *data.contamination;
  const NgramIndex index =
      index_of(evaluation, static_cast<size_t>(config.ngram), data.on_bad_record);
  const Found found = look_up(train, index, threads);
  const auto total = static_cast<int64_t>(found.size());
  const std::string count = std::to_string(total) + plural(" training record", total) +
                            (total == 1 ? " has " : " have ") + std::to_string(config.ngram) +
                            " words in a row, or all of a shorter text, in common with one";
  log_info("contamination: " + count);
  size_t named = 0;
  std::vector<std::vector<char>> removed = record_marks(train);
  for (const auto& [where, match] : found) {
    removed[where.first][where.second] = 1;
    const std::string text = sentence(train[where.first], where.second, match);
    if (config.action == OnContamination::kError) {
      throw DataError(text + "; " + count + "; data.contamination.action=drop leaves them out");
    }
    if (named++ < kNamed) log_warning("contamination: " + text);
  }
  if (named > kNamed) {
    log_warning("contamination: " + std::to_string(named - kNamed) + " more are not named");
  }
  return config.action == OnContamination::kDrop ? remove_records(train, removed) : 0;
}

}  // namespace distill
