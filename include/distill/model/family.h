// A model family: how its config.json reads and what its weights are called. Each is one file in
// src/model/families; the list is in src/model/family.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "distill/model/modules.h"
#include "distill/model/transformer_config.h"

namespace distill {

/// One line of a family's table of weights.
struct WeightRow {
  WeightRole role;
  std::string_view name;    ///< in the checkpoint, "{}" for the layer, without ".weight"
  bool transposed = false;  ///< the matrix is stored [in, out]
  int part = 0;             ///< which of `parts` equal parts of a fused tensor, along [out]
  int parts = 1;
};

struct Family {
  std::string_view model_type;
  TransformerConfig (*read_config)(const Json& config, const std::string& where);
  std::span<const WeightRow> (*weight_rows)();
  std::string_view optional_prefix;  ///< old checkpoints leave it out
};

std::span<const Family> families();

/// Throws DataError that lists the known ones.
const Family& find_family(std::string_view model_type, const std::string& where);

/// Where a weight is in the family's checkpoints.
struct StoredWeight {
  std::string name;
  bool transposed = false;
  int part = 0;
  int parts = 1;

  /// The name of the parameter: the stored one, with "#part" where that holds several.
  std::string parameter_name() const;
};

/// `kind` is "weight" or "bias".
StoredWeight stored_weight(const Family& family, WeightRole role, int64_t layer,
                           std::string_view kind);

}  // namespace distill
