// Finds what a killed process left in a run folder; renames what is whole, removes the rest.
#include "train/interrupted_saves.h"

#include <algorithm>
#include <vector>

#include "distill/core/files.h"
#include "distill/core/log.h"
#include "train/checkpoint_manifest.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

/// The partial ones, which are newer, before the removed ones.
std::vector<fs::path> leftovers(const fs::path& run_folder) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(run_folder)) {
    const std::string name = entry.path().stem().string();
    const fs::path extension = entry.path().extension();
    if (!name.starts_with("checkpoint-") && name != "final") continue;
    if (extension == kPartial || extension == kRemoved) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool is_whole(const fs::path& leftover) {
  // final/ has no manifest; it loses a file only when another one is in its place.
  if (leftover.stem() == "final") return leftover.extension() == kRemoved;
  try {
    check_manifest(leftover);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

void put_back_whole(const fs::path& run_folder) {
  for (const fs::path& leftover : leftovers(run_folder)) {
    fs::path name = leftover;
    name.replace_extension();
    if (fs::exists(name) || !is_whole(leftover)) continue;
    fs::rename(leftover, name);
    sync_directory(run_folder);
    log_warning(name.string() + ": was left as " + leftover.filename().string() +
                " by a process that was killed; it is whole and has its name again");
  }
}

void sweep_leftovers(const fs::path& run_folder) {
  for (const fs::path& leftover : leftovers(run_folder)) {
    if (leftover.extension() == kPartial) {
      log_warning(leftover.string() + ": removed, a save that was not finished");
    }
    std::error_code error;
    fs::remove_all(leftover, error);
    if (error) log_warning(leftover.string() + ": cannot be removed: " + error.message());
  }
}

}  // namespace distill
