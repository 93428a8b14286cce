#include "distill/train/checkpoint.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/progress.h"
#include "distill/io/safetensors.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "checkpoint-";
constexpr const char* kPartial = ".partial";
constexpr int kFormat = 1;

fs::path manifest_path(const fs::path& folder) { return folder / "trainer" / "manifest.json"; }

std::optional<int64_t> step_of(const std::string& name) {
  const std::string prefix = kPrefix;
  if (name.rfind(prefix, 0) != 0) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + prefix.size(), end, step);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return step;
}

Json to_json(const TrainerState& state) {
  Json json;
  json["format"] = kFormat;
  json["step"] = state.step;
  json["tokens"] = state.tokens;
  json["loss_tokens"] = state.loss_tokens;
  json["stream"] = {{"seed", state.stream.seed},
                    {"epoch", state.stream.epoch},
                    {"window", state.stream.window},
                    {"batch", state.stream.batch}};
  json["best_metric"] = state.best_metric ? Json(*state.best_metric) : Json();
  json["best_metric_name"] = state.best_metric_name;
  json["best_step"] = state.best_step;
  json["evaluations_without_gain"] = state.evaluations_without_gain;
  json["evaluation_due"] = state.evaluation_due;
  json["identity"] = Json::object();
  for (const auto& [key, value] : state.identity) json["identity"][key] = value;
  return json;
}

TrainerState state_from_json(const Json& json, const std::string& where) {
  TrainerState state;
  state.step = json_int(json, "step", where);
  state.tokens = json_int(json, "tokens", where);
  state.loss_tokens = json_int(json, "loss_tokens", where);
  const Json& stream = json.at("stream");
  state.stream = {stream.at("seed").get<uint64_t>(), json_int(stream, "epoch", where),
                  json_int(stream, "window", where), json_int(stream, "batch", where)};
  if (!json.at("best_metric").is_null()) state.best_metric = json.at("best_metric").get<double>();
  state.best_metric_name = json.value("best_metric_name", std::string());
  state.best_step = json_int(json, "best_step", where);
  state.evaluations_without_gain = json_int(json, "evaluations_without_gain", where);
  state.evaluation_due = json.value("evaluation_due", false);
  for (const auto& [key, value] : json.at("identity").items()) {
    state.identity.emplace_back(key, value.get<std::string>());
  }
  return state;
}

/// Every file below the folder with its size.
Json list_files(const fs::path& folder) {
  std::map<std::string, uintmax_t> sizes;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      sizes[entry.path().lexically_relative(folder).string()] = entry.file_size();
    }
  }
  return Json(sizes);
}

void check_manifest(const fs::path& folder) {
  const fs::path path = manifest_path(folder);
  if (!fs::exists(path)) {
    throw CheckpointError(folder.string() +
                          ": not a checkpoint: trainer/manifest.json is missing (a checkpoint that "
                          "was not written to its end has none)");
  }
  for (const auto& [name, size] : read_json(path).at("files").items()) {
    std::error_code error;
    const uintmax_t found = fs::file_size(folder / name, error);
    if (error) throw CheckpointError((folder / name).string() + ": missing from the checkpoint");
    if (found != size.get<uintmax_t>()) {
      throw CheckpointError((folder / name).string() + ": " + std::to_string(found) +
                            plural(" byte", static_cast<int64_t>(found)) +
                            ", but the manifest says " + size.dump());
    }
  }
}

/// Replaces a link atomically.
void point(const fs::path& link, const std::string& target) {
  const fs::path temporary = link.string() + ".tmp";
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_directory_symlink(target, temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (error) throw CheckpointError(link.string() + ": cannot be linked: " + error.message());
}

std::string target_of(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  return error ? std::string() : target.string();
}

void write_parts(const fs::path& folder, const TrainerState& state,
                 const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                 const std::function<void(const fs::path&)>& write_model) {
  make_directories(folder / "trainer");
  write_model(folder);
  write_safetensors(folder / "trainer" / "optimizer.safetensors", tensors);
  write_file(folder / "trainer" / "state.json", to_json(state).dump(2) + "\n");
  const Json manifest = {{"format", kFormat}, {"files", list_files(folder)}};
  write_file(manifest_path(folder), manifest.dump(2) + "\n");
  sync_directory(folder / "trainer");
  sync_directory(folder);
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path run_folder) : run_folder_(std::move(run_folder)) {
  make_directories(run_folder_);
  for (const fs::directory_entry& entry : fs::directory_iterator(run_folder_)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(kPrefix, 0) == 0 && entry.path().extension() == kPartial) {
      log_warning(entry.path().string() + ": removed, a checkpoint that was not finished");
      fs::remove_all(entry.path());
    }
  }
}

void CheckpointStore::save(const TrainerState& state,
                           const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                           const std::function<void(const fs::path&)>& write_model) {
  const fs::path final_folder = folder(state.step);
  const fs::path partial = final_folder.string() + kPartial;
  if (fs::exists(manifest_path(final_folder))) return;  // the same step of the same run
  try {
    fs::remove_all(final_folder);
    write_parts(partial, state, tensors, write_model);
    fs::rename(partial, final_folder);
    sync_directory(run_folder_);
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
  const std::vector<int64_t> all = steps();
  const std::string best = target_of(run_folder_ / "best");
  const std::string latest = target_of(run_folder_ / "latest");
  int64_t excess = static_cast<int64_t>(all.size()) - limit;
  for (const int64_t step : all) {
    const std::string name = kPrefix + std::to_string(step);
    if (excess <= 0) return;
    if (name == best || name == latest) continue;
    // The manifest first: what an interruption leaves is no checkpoint.
    fs::remove(manifest_path(run_folder_ / name));
    fs::remove_all(run_folder_ / name);
    --excess;
  }
}

std::vector<int64_t> CheckpointStore::steps() const {
  std::vector<int64_t> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(run_folder_)) {
    const std::optional<int64_t> step = step_of(entry.path().filename().string());
    if (step && fs::exists(manifest_path(entry.path()))) found.push_back(*step);
  }
  std::sort(found.begin(), found.end());
  return found;
}

LoadedCheckpoint load_checkpoint(const fs::path& folder) {
  LoadedCheckpoint checkpoint;
  checkpoint.folder = folder;
  try {
    check_manifest(folder);
    const fs::path state = folder / "trainer" / "state.json";
    checkpoint.state = state_from_json(read_json(state), state.string());
    const SafetensorsFile file(folder / "trainer" / "optimizer.safetensors");
    for (const SafetensorsFile::Entry& entry : file.entries()) {
      checkpoint.tensors.emplace_back(entry.name, file.tensor(entry.name));
    }
  } catch (const DataError& error) {
    throw CheckpointError(folder.string() + ": the checkpoint cannot be read: " + error.what());
  } catch (const Json::exception& error) {
    throw CheckpointError(folder.string() + ": the checkpoint cannot be read: " + error.what());
  }
  return checkpoint;
}

void restore_tensors(const LoadedCheckpoint& checkpoint,
                     const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> loaded(checkpoint.tensors.begin(), checkpoint.tensors.end());
  std::string problems;
  for (const auto& [name, tensor] : tensors) {
    const auto found = loaded.find(name);
    if (found == loaded.end()) {
      problems += "\n  missing: " + name;
    } else if (found->second.sizes() != tensor.sizes() ||
               found->second.scalar_type() != tensor.scalar_type()) {
      problems += "\n  another shape or dtype: " + name;
    }
  }
  if (loaded.size() > tensors.size()) {
    for (const auto& [name, tensor] : tensors) loaded.erase(name);
    for (const auto& [name, tensor] : loaded) problems += "\n  unexpected: " + name;
  }
  if (!problems.empty()) {
    throw CheckpointError(checkpoint.folder.string() + ": belongs to another model:" + problems);
  }
  for (const auto& [name, tensor] : tensors) tensor.copy_(loaded.at(name));
}

void check_identity(const LoadedCheckpoint& checkpoint,
                    const std::vector<std::pair<std::string, std::string>>& identity) {
  const std::map<std::string, std::string> now(identity.begin(), identity.end());
  std::map<std::string, std::string> then(checkpoint.state.identity.begin(),
                                          checkpoint.state.identity.end());
  std::string problems;
  for (const auto& [key, value] : now) {
    const auto found = then.find(key);
    const std::string old = found == then.end() ? "(not set)" : found->second;
    if (old != value)
      problems += "\n  " + key + ": " + old + " in the checkpoint, " + value + " now";
    if (found != then.end()) then.erase(found);
  }
  for (const auto& [key, value] : then) {
    problems += "\n  " + key + ": " + value + " in the checkpoint, (not set) now";
  }
  if (!problems.empty()) {
    throw CheckpointError(checkpoint.folder.string() +
                          ": cannot be resumed, the configuration has changed:" + problems);
  }
}

}  // namespace distill
