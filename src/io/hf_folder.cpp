#include "distill/io/hf_folder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/io/hub_cache.h"
#include "distill/io/json.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

fs::path home() {
  const char* value = std::getenv("HOME");
  return value == nullptr ? "" : value;
}

bool has_config(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "config.json", ignored);
}

/// tensor -> file name, as the index says.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const Json index = read_json(path);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || map == index.end() || !map->is_object() || map->empty()) {
    throw DataError(path.string() + ": expected an object with a weight_map");
  }
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() ||
        fs::path(file.get<std::string>()).filename() != file.get<std::string>()) {
      throw DataError(path.string() + ": weight_map: " + tensor +
                      ": expected the name of a file in this folder, found " +
                      file.dump(-1, ' ', true));
    }
    files[tensor] = file.get<std::string>();
  }
  return files;
}

[[noreturn]] void fail_without_weights(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / "pytorch_model.bin", ignored) ||
      fs::exists(folder / "pytorch_model.bin.index.json", ignored)) {
    throw DataError(folder.string() +
                    ": the weights are pytorch_model.bin, a pickle that runs code when it is read; "
                    "convert them to model.safetensors (save_pretrained in transformers does)");
  }
  throw DataError(folder.string() + ": there is neither " + kWeights + " nor " + kIndex);
}

}  // namespace

fs::path resolve_model(const std::string& path_or_id) {
  if (path_or_id.empty()) throw DataError("the model's path is empty");
  const fs::path path =
      path_or_id.starts_with("~/") ? home() / path_or_id.substr(2) : fs::path(path_or_id);
  std::error_code ignored;
  if (has_config(path)) return path;
  if (fs::is_directory(path, ignored)) {
    throw DataError(path.string() + ": the folder has no config.json, so it is not a model");
  }
  if (fs::exists(path, ignored)) {
    throw DataError(path.string() + ": expected a model folder, found a file");
  }
  if (!is_hub_id(path_or_id)) throw DataError(path.string() + ": there is no such folder");
  const fs::path snapshot = hub_snapshot(HubKind::kModel, path_or_id);
  if (has_config(snapshot)) return snapshot;
  throw DataError(path_or_id +
                  ": its copy in the Hugging Face cache is not complete (no config.json in " +
                  snapshot.string() + ")" + fetch_advice(HubKind::kModel, path_or_id));
}

WeightFiles::WeightFiles(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / kWeights, ignored)) {
    files_.emplace_back(folder / kWeights);
    for (const auto& entry : files_[0].entries()) where_[entry.name] = 0;
    return;
  }
  const fs::path index_path = folder / kIndex;
  if (!fs::exists(index_path, ignored)) fail_without_weights(folder);
  const std::map<std::string, std::string> index = read_index(index_path);
  std::set<std::string> shards;
  for (const auto& [tensor, file] : index) shards.insert(file);
  std::string missing;
  for (const std::string& shard : shards) {
    if (!fs::exists(folder / shard, ignored)) missing += " " + shard;
  }
  if (!missing.empty()) {
    throw DataError(index_path.string() + ": it names files that are not there:" + missing);
  }
  for (const std::string& shard : shards) {
    const SafetensorsFile& file = files_.emplace_back(folder / shard);
    for (const auto& entry : file.entries()) {
      const auto listed = index.find(entry.name);
      if (listed == index.end() || listed->second != shard) {
        throw DataError(file.path().string() + ": it has the tensor '" + entry.name +
                        "', which the index " +
                        (listed == index.end() ? "does not list" : "places in " + listed->second));
      }
      where_[entry.name] = files_.size() - 1;
    }
  }
  for (const auto& [tensor, file] : index) {
    if (!contains(tensor)) {
      throw DataError((folder / file).string() + ": the tensor '" + tensor +
                      "' is missing, the index places it here");
    }
  }
}

std::vector<std::string> WeightFiles::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : where_) names.push_back(name);
  return names;
}

at::Tensor WeightFiles::tensor(const std::string& name) const {
  const auto found = where_.find(name);
  return files_[found == where_.end() ? 0 : found->second].tensor(name);
}

const SafetensorsFile::Entry& WeightFiles::entry(const std::string& name) const {
  const auto found = where_.find(name);
  return files_[found == where_.end() ? 0 : found->second].entry(name);
}

ContentKey WeightFiles::hash() const {
  Hasher hasher;
  for (const SafetensorsFile& file : files_) hasher.add(hash_file(file.path()).hex());
  return hasher.key();
}

void write_weights(const fs::path& folder,
                   const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                   int64_t max_shard_bytes) {
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  std::vector<std::vector<std::pair<std::string, at::Tensor>>> shards(1);
  int64_t total = 0;
  int64_t filled = 0;
  for (const auto& named : tensors) {
    const auto bytes = static_cast<int64_t>(named.second.nbytes());
    if (filled > 0 && filled + bytes > max_shard_bytes) {
      shards.emplace_back();
      filled = 0;
    }
    shards.back().push_back(named);
    filled += bytes;
    total += bytes;
  }
  // A single file and an index must not stand side by side: readers would have to choose.
  std::error_code ignored;
  if (shards.size() == 1) {
    write_safetensors(folder / kWeights, shards[0], metadata);
    fs::remove(folder / kIndex, ignored);
    return;
  }
  Json map = Json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
    write_safetensors(folder / name, shards[i], metadata);
    for (const auto& [tensor, value] : shards[i]) map[tensor] = name;
  }
  Json index;
  index["metadata"]["total_size"] = total;
  index["weight_map"] = std::move(map);
  write_file(folder / kIndex, index.dump(2) + "\n");
  fs::remove(folder / kWeights, ignored);
}

}  // namespace distill
