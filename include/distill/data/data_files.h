// The files of a run's sources: looked up once, by what reads them and by what tells which are not
// there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "distill/data/data_config.h"

namespace distill {

/// Those of one source. That there are none is an error only where they are asked for.
class SourceFiles {
 public:
  explicit SourceFiles(const SourceConfig& source);

  /// Throws DataError, as `source_files` does. A file that its name alone stands for need not be
  /// there.
  const std::vector<std::filesystem::path>& paths() const;
  /// "data/a.jsonl: no such file": what there is to say of a source that is not there; else empty.
  const std::string& absence() const { return absence_; }

 private:
  std::vector<std::filesystem::path> paths_;
  std::string problem_;
  std::string absence_;
};

/// In the order of the configuration.
struct DataFiles {
  explicit DataFiles(const DataConfig& data);

  std::vector<SourceFiles> train;
  std::vector<SourceFiles> eval;
  std::vector<SourceFiles> against;  // of data.contamination

  /// The absences, each after "data: ".
  std::vector<std::string> missing() const;
};

}  // namespace distill
