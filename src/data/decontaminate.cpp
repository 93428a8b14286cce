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

NgramIndex index_of(const std::vector<Dataset::Source>& evaluation, size_t ngram) {
  NgramIndex index(ngram);
  for (const Dataset::Source& source : evaluation) {
    for (const uint32_t record : source.records) {
      try {
        index.add(source.formatter->plain_text(source.set->read(record)),
                  source.set->place(record));
      } catch (const DataError&) {
        continue;  // on_bad_record says what becomes of it, where it is used
      }
    }
  }
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
                            const std::vector<Dataset::Source>& evaluation,
                            const ContaminationConfig& config, int threads) {
  const NgramIndex index = index_of(evaluation, static_cast<size_t>(config.ngram));
  const Found found = look_up(train, index, threads);
  const auto total = static_cast<int64_t>(found.size());
  const std::string count = std::to_string(total) + plural(" training record", total) +
                            (total == 1 ? " shares " : " share ") + std::to_string(config.ngram) +
                            " words in a row with an evaluation text";
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
