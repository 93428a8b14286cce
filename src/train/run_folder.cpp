#include "distill/train/run_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "distill/core/error.h"

namespace distill {

namespace fs = std::filesystem;

namespace {

bool has_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name == "latest" || name.starts_with("checkpoint-")) return true;
  }
  return false;
}

}  // namespace

std::string describe_run(const fs::path& folder) {
  std::error_code absent;
  const auto events = fs::file_size(folder / "events.jsonl", absent);
  const bool logged = !absent && events > 0;
  if (!logged && !has_checkpoint(folder) && !fs::exists(folder / "final")) return "";
  return folder.string() +
         ": holds a run already. Continue it with --resume auto, or choose another folder with "
         "run.output_dir=DIR";
}

std::string why_unwritable(const fs::path& folder) {
  std::error_code ignored;
  fs::path there = fs::absolute(folder);
  while (!fs::exists(there, ignored)) there = there.parent_path();
  std::string probe = (there / ".distill-XXXXXX").string();
  if (::mkdtemp(probe.data()) == nullptr) {
    return folder.string() + ": cannot be written: " + std::strerror(errno);
  }
  ::rmdir(probe.c_str());
  return "";
}

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  make_directories(path_);
  lock_ = std::make_unique<FileLock>(path_ / ".lock");
}

void RunFolder::require_fresh() const {
  const std::string run = describe_run(path_);
  if (!run.empty()) throw ConfigError(run);
}

}  // namespace distill
