// The checkpoints of a run folder: written, linked, pruned, set aside.
#include <algorithm>
#include <charconv>
#include <optional>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/folders.h"
#include "distill/core/log.h"
#include "distill/io/safetensors.h"
#include "distill/train/checkpoint.h"
#include "train/checkpoint_manifest.h"
#include "train/interrupted_saves.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "checkpoint-";

std::optional<int64_t> step_of(const std::string& name) {
  const std::string prefix = kPrefix;
  if (name.rfind(prefix, 0) != 0) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + prefix.size(), end, step);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return step;
}

/// Steps of all checkpoint folders, whole or not, ascending.
std::vector<int64_t> folder_steps(const fs::path& run_folder) {
  std::vector<int64_t> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(run_folder)) {
    if (const auto step = step_of(entry.path().filename().string())) found.push_back(*step);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Replaces a link atomically.
void point(const fs::path& link, const std::string& target) {
  const fs::path temporary = link.string() + ".tmp";
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_directory_symlink(target, temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (error) throw CheckpointError(link.string() + ": cannot be linked: " + error.message());
  sync_directory(link.parent_path());
}

std::string target_of(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  return error ? std::string() : target.string();
}

void write_parts(const fs::path& folder, const TrainerState& state, const NamedTensors& tensors,
                 const std::function<void(const fs::path&)>& write_model) {
  make_directories(folder / "trainer");
  write_model(folder);
  write_safetensors(folder / "trainer" / "optimizer.safetensors", tensors);
  write_state(folder, state);
  write_manifest(folder);
  sync_directory(folder / "trainer");
  sync_directory(folder);
}

bool holds(const fs::path& folder, const TrainerState& state) {
  if (!fs::exists(manifest_path(folder))) return false;
  try {
    check_manifest(folder);
    return read_state(folder) == state;
  } catch (const std::exception&) {
    return false;
  }
}

/// A checkpoint is whole or gone: first it loses its name, then its files. False and a warning
/// where it stays.
bool remove_checkpoint(const fs::path& folder) {
  const fs::path removed = folder.string() + kRemoved;
  std::string why = why_not_removable(folder);
  std::error_code error;
  if (why.empty()) {
    fs::rename(folder, removed, error);
    if (error) why = error.message();
  }
  if (!why.empty()) {
    log_warning(folder.string() + ": an old checkpoint that cannot be removed (" + why +
                "); train.save_total_limit is passed over for it");
    return false;
  }
  fs::remove_all(removed, error);
  if (error) {
    log_warning(removed.string() +
                ": what is left of an old checkpoint, which cannot be removed (" + error.message() +
                ")");
  }
  return true;
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path run_folder) : run_folder_(std::move(run_folder)) {
  make_directories(run_folder_);
}

void CheckpointStore::save(const TrainerState& state, const NamedTensors& tensors,
                           const std::function<void(const fs::path&)>& write_model) {
  const fs::path final_folder = folder(state.step);
  const fs::path partial = final_folder.string() + kPartial;
  if (holds(final_folder, state)) return;
  try {
    write_parts(partial, state, tensors, write_model);
    put_in_place(partial, final_folder);
    point(run_folder_ / "latest", final_folder.filename().string());
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
    throw CheckpointError(final_folder.string() + ": the checkpoint could not be saved: " +
                          error.what() + "; earlier checkpoints are untouched");
  }
}

fs::path CheckpointStore::folder(int64_t step) const {
  return run_folder_ / (kPrefix + std::to_string(step));
}

void CheckpointStore::mark_best(int64_t step) {
  point(run_folder_ / "best", kPrefix + std::to_string(step));
}

void CheckpointStore::prune(int64_t limit) {
  if (limit == 0) return;
  std::vector<int64_t> all = steps();
  std::erase_if(all, [this](int64_t step) { return kept_.contains(step); });
  const std::string best = target_of(run_folder_ / "best");
  const std::string latest = target_of(run_folder_ / "latest");
  int64_t excess = static_cast<int64_t>(all.size()) - limit;
  for (const int64_t step : all) {
    const std::string name = kPrefix + std::to_string(step);
    if (excess <= 0) return;
    if (name == best || name == latest) continue;
    if (!remove_checkpoint(run_folder_ / name)) kept_.insert(step);
    --excess;
  }
}

std::vector<int64_t> CheckpointStore::steps() const {
  std::vector<int64_t> found = folder_steps(run_folder_);
  std::erase_if(found, [this](int64_t step) { return !fs::exists(manifest_path(folder(step))); });
  return found;
}

fs::path CheckpointStore::newest_whole() const {
  std::vector<int64_t> all = folder_steps(run_folder_);
  std::reverse(all.begin(), all.end());
  for (const int64_t step : all) {
    try {
      check_manifest(folder(step));
      return folder(step);
    } catch (const std::exception& error) {
      log_warning(std::string(error.what()) + ": passed over");
    }
  }
  if (all.empty()) return {};
  throw CheckpointError(run_folder_.string() +
                        ": none of its checkpoints is whole; resume from another folder's with "
                        "--resume DIR, or begin anew in a fresh one with run.output_dir=DIR");
}

void CheckpointStore::continue_from(const TrainerState& state) {
  set_later_aside(state.step);
  link_to(state);
}

void CheckpointStore::set_later_aside(int64_t step) const {
  std::vector<fs::path> later;
  for (const int64_t found : folder_steps(run_folder_)) {
    if (found > step) later.push_back(folder(found));
  }
  const fs::path final_model = run_folder_ / "final";
  // An earlier version did not write its state: it was of the newest checkpoint then.
  const std::optional<TrainerState> ended = read_state(final_model);
  if (fs::exists(final_model) && (ended ? ended->step > step : !later.empty())) {
    later.push_back(final_model);
  }
  if (later.empty()) return;
  std::string names;
  for (const fs::path& path : later) names += set_aside(path).filename().string() + ", ";
  const fs::path events = run_folder_ / "events.jsonl";
  if (fs::exists(events)) names += set_aside_copy(events).filename().string() + ", ";
  log_warning(run_folder_.string() + " goes on from step " + std::to_string(step) +
              "; what came after it is kept as " + names.substr(0, names.size() - 2));
}

void CheckpointStore::link_to(const TrainerState& state) {
  if (fs::exists(folder(state.step))) {
    point(run_folder_ / "latest", folder(state.step).filename().string());
  }
  if (state.best.metric && fs::exists(folder(state.best.step))) {
    mark_best(state.best.step);
  } else {
    fs::remove(run_folder_ / "best");
    sync_directory(run_folder_);
  }
}

}  // namespace distill
