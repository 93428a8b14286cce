// What a run folder holds beside checkpoints: config.yaml, run.json, log.txt, events.jsonl.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "distill/core/files.h"

namespace distill {

/// Where a run was in the folder before that got as far as a logged step, a checkpoint or a final
/// model: a sentence with the two ways out. Else empty.
std::string describe_run(const std::filesystem::path& folder);

/// Why no run folder could be made or written there, or empty. Leaves nothing behind.
std::string why_unwritable(const std::filesystem::path& folder);

/// Holds the folder's lock for as long as it lives.
class RunFolder {
 public:
  /// Makes the folder. Throws DataError if another process is using it or it cannot be written.
  explicit RunFolder(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path events() const { return path_ / "events.jsonl"; }
  std::filesystem::path final_model() const { return path_ / "final"; }
  /// Throws ConfigError where describe_run has something to say.
  void require_fresh() const;

 private:
  std::filesystem::path path_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace distill
