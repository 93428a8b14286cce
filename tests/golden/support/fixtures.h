// Where the fixtures are and how their padded rows become batches.
#pragma once

#include <ATen/ATen.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/io/json.h"

namespace distill::golden {

/// $DISTILL_FIXTURES, else the committed part.
inline std::filesystem::path fixtures_folder() {
  const char* chosen = std::getenv("DISTILL_FIXTURES");
  return chosen != nullptr ? chosen : DISTILL_SOURCE_DIR "/tests/data/fixtures";
}

/// {"input_ids": [[..]], "attention_mask": [[..]], "labels": [[..]]} without its padding. A label
/// is the token itself or -100.
inline std::vector<Document> read_rows(const Json& inputs) {
  std::vector<Document> documents;
  for (size_t row = 0; row < inputs["input_ids"].size(); ++row) {
    Document document;
    for (size_t i = 0; i < inputs["input_ids"][row].size(); ++i) {
      if (inputs.contains("attention_mask") && inputs["attention_mask"][row][i] == 0) continue;
      document.tokens.push_back(inputs["input_ids"][row][i].get<int64_t>());
      document.is_target.push_back(!inputs.contains("labels") ||
                                   inputs["labels"][row][i].get<int64_t>() != kIgnore);
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

/// [B, L, ...] -> [T, ...]: the rows of the documents, without padding.
inline at::Tensor without_padding(const at::Tensor& padded, const Batch& batch) {
  std::vector<at::Tensor> rows;
  for (int64_t n = 0; n < batch.document_count(); ++n) {
    const auto at = static_cast<size_t>(n);
    rows.push_back(padded[n].narrow(0, 0, batch.bounds[at + 1] - batch.bounds[at]));
  }
  return at::cat(rows);
}

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// |a - b| / |b| in the L2 norm.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  const at::Tensor wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).norm() / wide.norm()).item<double>();
}

}  // namespace distill::golden
