#include "distill/data/data_files.h"

#include "distill/core/error.h"
#include "distill/data/record_set.h"

namespace distill {
namespace {

std::vector<SourceFiles> look_up(const std::vector<SourceConfig>& sources) {
  return std::vector<SourceFiles>(sources.begin(), sources.end());
}

}  // namespace

SourceFiles::SourceFiles(const SourceConfig& source) {
  try {
    paths_ = source_files(source.path, {source.subset, source.split});
  } catch (const DataError& error) {
    problem_ = error.what();
  }
  const bool listed = problem_.empty() && paths_.front() != source.path;
  if (listed || source_exists(source.path)) return;
  absence_ = problem_.empty() ? source.path + ": no such file" : problem_;
}

const std::vector<std::filesystem::path>& SourceFiles::paths() const {
  if (!problem_.empty()) throw DataError(problem_);
  return paths_;
}

DataFiles::DataFiles(const DataConfig& data)
    : train(look_up(data.train)), eval(look_up(data.eval)) {
  if (data.contamination) against = look_up(data.contamination->against);
}

std::vector<std::string> DataFiles::missing() const {
  std::vector<std::string> missing;
  for (const auto* sources : {&train, &eval, &against}) {
    for (const SourceFiles& files : *sources) {
      if (!files.absence().empty()) missing.push_back("data: " + files.absence());
    }
  }
  return missing;
}

}  // namespace distill
