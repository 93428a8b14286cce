// A Hugging Face model folder: where it is, and the tensors in its one or many safetensors files.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "distill/core/hash.h"
#include "distill/io/safetensors.h"

namespace distill {

/// A folder as it is, or a hub id ("Qwen/Qwen2-7B-Instruct") looked up in the local Hugging Face
/// cache (HF_HUB_CACHE, HF_HOME, else ~/.cache/huggingface/hub; the snapshot of refs/main).
/// Throws DataError; for a hub id the message has the command that fetches it.
std::filesystem::path resolve_model(const std::string& path_or_id);

/// All weights of a folder: model.safetensors, or the shards of model.safetensors.index.json.
class WeightFiles {
 public:
  /// Throws DataError: no weights (pytorch_model.bin alone gets a sentence of its own), a shard
  /// missing, a tensor twice or not where the index says.
  explicit WeightFiles(const std::filesystem::path& folder);

  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return where_.count(name) != 0; }
  /// A view of the mapping, not to be written.
  at::Tensor tensor(const std::string& name) const;
  const SafetensorsFile::Entry& entry(const std::string& name) const;
  /// Identity of the weights: hash of the files' bytes.
  ContentKey hash() const;

 private:
  std::vector<SafetensorsFile> files_;
  std::map<std::string, size_t> where_;  // tensor -> file
};

/// Writes model.safetensors, or shards of at most `max_shard_bytes` with their index, as
/// transformers does. Throws DataError.
void write_weights(const std::filesystem::path& folder,
                   const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                   int64_t max_shard_bytes = int64_t{5} << 30);

}  // namespace distill
