// The safetensors format: https://github.com/huggingface/safetensors
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace distill {

/// A mapped file. Tensors are views of the mapping: they must not be written, and they keep the
/// mapping alive. Dtypes: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
class SafetensorsFile {
 public:
  struct Entry {
    std::string name;
    at::ScalarType dtype;
    std::vector<int64_t> shape;
    size_t begin = 0;  ///< bytes from the start of the file
    size_t end = 0;
  };

  /// Throws DataError (path and place) for a file that is missing, truncated or corrupt: the header
  /// is checked in full (JSON, dtypes, shapes against byte counts, overlaps, gaps, file size).
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<Entry>& entries() const { return entries_; }  ///< sorted by name
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool contains(const std::string& name) const { return find(name) != nullptr; }
  /// Throws DataError if there is no such tensor.
  const Entry& entry(const std::string& name) const;
  at::Tensor tensor(const std::string& name) const;

 private:
  const Entry* find(const std::string& name) const;

  std::filesystem::path path_;
  std::shared_ptr<const void> mapping_;  // shared with the tensors that view it
  std::vector<Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

/// Writes a file atomically (temporary name, sync, rename), data aligned to 64 bytes, a tensor at a
/// time: no second copy of the whole in memory. Tensors of any device and stride.
/// Throws DataError with the path.
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace distill
