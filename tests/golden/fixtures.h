// The folder of reference numbers: DISTILL_FIXTURES, else the committed ones.
#pragma once

#include <ATen/ATen.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace distill::golden {

inline std::filesystem::path fixtures() {
  const char* folder = std::getenv("DISTILL_FIXTURES");
  if (folder != nullptr && *folder != '\0') return folder;
  return std::filesystem::path(DISTILL_SOURCE_DIR) / "tests" / "data" / "fixtures";
}

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// |a - b| / |b| in the Euclidean norm; a zero reference counts as 1e-12.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  const double norm = b.to(at::kDouble).norm().item<double>();
  return (a.to(at::kDouble) - b.to(at::kDouble)).norm().item<double>() / std::max(norm, 1e-12);
}

}  // namespace distill::golden
