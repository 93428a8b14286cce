// A teacher and its students side by side on the same held-out tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "distill/eval/fidelity.h"
#include "distill/io/json.h"

namespace distill {

/// One row of the comparison.
struct ComparedModel {
  std::string name;
  int64_t parameters = 0;
  int64_t bytes = 0;
  double tokens_per_second =
      0.0;  ///< forward passes over the batches, head of the loss rows included
  double nll = 0.0;
  std::optional<Fidelity> fidelity;  ///< to the teacher; absent for the teacher itself
};

struct Comparison {
  int64_t tokens = 0;                 ///< loss tokens that every mean is over
  std::vector<ComparedModel> models;  ///< the teacher first

  Json to_json() const;
  /// A table a person can read.
  std::string to_table() const;
};

/// A model by name; loaded when its turn comes.
struct NamedModel {
  std::string name;
  std::function<Transformer()> load;
};

Comparison compare_models(const NamedModel& teacher, const std::vector<NamedModel>& students,
                          const std::vector<Batch>& batches);

}  // namespace distill
