#include "distill/train/run_folder.h"

#include "distill/core/error.h"

namespace distill {

RunFolder::RunFolder(std::filesystem::path path) : path_(std::move(path)) {
  make_directories(path_);
  lock_ = std::make_unique<FileLock>(path_ / ".lock");
}

bool RunFolder::has_run() const {
  std::error_code absent;
  const auto size = std::filesystem::file_size(events(), absent);
  return std::filesystem::exists(path_ / "latest") || std::filesystem::exists(final_model()) ||
         (!absent && size > 0);
}

void RunFolder::require_fresh() const {
  if (!has_run()) return;
  throw ConfigError(
      path_.string() +
      ": holds a run already. Continue it with --resume auto, or choose another folder "
      "with run.output_dir=DIR");
}

}  // namespace distill
