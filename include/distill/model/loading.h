// Models from Hugging Face folders and back.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "distill/model/transformer.h"

namespace distill {

/// Reads config.json and the weights, converted to `dtype`. Names and shapes must match exactly.
/// Throws DataError that lists every tensor that is missing, unexpected or of another shape; Error
/// that names the folder and the bytes where memory runs out.
Transformer load_transformer(const std::filesystem::path& folder, at::ScalarType dtype,
                             at::Device device);

/// The same for a model of another config than the folder's config.json.
Transformer load_transformer(TransformerConfig config, const std::filesystem::path& folder,
                             at::ScalarType dtype, at::Device device);

/// What load_transformer would say of the folder. Reads names and shapes, and no weights but those
/// of a tied head that is stored all the same.
void check_weights(const std::filesystem::path& folder);

/// Writes config.json, the weights in `dtype` and generation_config.json where the source had one.
/// Throws DataError, also for layers that the family's config.json cannot describe.
void save_transformer(const Transformer& model, const std::filesystem::path& folder,
                      at::ScalarType dtype);

/// One tensor a weight of the checkpoint, transposed and fused as the family stores it, out of one
/// tensor a parameter: pick(parameter) is its value or its gradient; where undefined it is left
/// out.
std::vector<std::pair<std::string, at::Tensor>> checkpoint_tensors(
    const Transformer& model, const std::function<at::Tensor(const Parameter&)>& pick);

/// The tokenizer and chat template files of a model folder, in memory.
class TokenizerFiles {
 public:
  /// None.
  TokenizerFiles() = default;
  /// Reads those that are there. Throws DataError.
  explicit TokenizerFiles(const std::filesystem::path& folder);
  /// Throws DataError.
  void write(const std::filesystem::path& folder) const;

 private:
  std::vector<std::pair<std::filesystem::path, std::string>> files_;  // path in the folder, content
};

/// A model of some of the teacher's blocks, in the order given, with copies of its weights. Throws
/// ConfigError for a layer that the teacher has not.
Transformer make_student_from_layers(const Transformer& teacher,
                                     const std::vector<int64_t>& layers);

/// Random weights as Hugging Face draws them: normal(0, initializer_range) for matrices and
/// embeddings, zero biases, norms that start as the identity. A parameter's numbers depend on the
/// seed and its name alone.
void initialise(Transformer& model, uint64_t seed);

}  // namespace distill
