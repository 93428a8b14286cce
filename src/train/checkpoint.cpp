// Reading a checkpoint.
#include "distill/train/checkpoint.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <map>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/io/safetensors.h"
#include "train/checkpoint_manifest.h"

namespace distill {

namespace fs = std::filesystem;

namespace {

fs::path state_path(const fs::path& folder) { return folder / "trainer" / "state.json"; }

TrainerState parse_state(const fs::path& folder) {
  const fs::path path = state_path(folder);
  return trainer_state_from_json(read_json(path), path.string());
}

/// What reads a folder, with errors that name it.
template <typename Read>
auto reading(const fs::path& folder, Read&& read) {
  const auto fail = [&](const std::exception& error) {
    return CheckpointError(folder.string() + ": the checkpoint cannot be read: " + error.what());
  };
  try {
    return read();
  } catch (const DataError& error) {
    throw fail(error);
  } catch (const Json::exception& error) {
    throw fail(error);
  }
}

}  // namespace

std::optional<TrainerState> read_state(const fs::path& folder) {
  if (!fs::exists(state_path(folder))) return std::nullopt;
  return reading(folder, [&] { return parse_state(folder); });
}

void write_state(const fs::path& folder, const TrainerState& state) {
  make_directories(folder / "trainer");
  write_file(state_path(folder), to_json(state).dump(2) + "\n");
}

LoadedCheckpoint load_checkpoint(const fs::path& folder) {
  LoadedCheckpoint checkpoint;
  checkpoint.folder = folder;
  reading(folder, [&] {
    check_manifest(folder);
    checkpoint.state = parse_state(folder);
    const SafetensorsFile file(folder / "trainer" / "optimizer.safetensors");
    for (const SafetensorsFile::Entry& entry : file.entries()) {
      checkpoint.tensors.emplace_back(entry.name, file.tensor(entry.name));
    }
  });
  return checkpoint;
}

void restore_tensors(const LoadedCheckpoint& checkpoint, const NamedTensors& tensors) {
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
