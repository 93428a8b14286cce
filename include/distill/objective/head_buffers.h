// Memory for a chunk of logits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace distill {

/// What chunks and calls of head_step share: memory of these sizes that is freed is rarely found
/// whole when it is asked for again. Each grows to the most that was asked for.
class HeadBuffers {
 public:
  /// [rows, columns] of whatever was there before.
  at::Tensor student(int64_t rows, int64_t columns, const at::TensorOptions& options);
  at::Tensor teacher(int64_t rows, int64_t columns, const at::TensorOptions& options);
  at::Tensor capped(int64_t rows, int64_t columns, const at::TensorOptions& options);

 private:
  at::Tensor student_, teacher_, capped_;
};

}  // namespace distill
