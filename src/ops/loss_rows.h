// Rows of the fused loss as plain pointers, for code that is compiled without LibTorch's headers.
#pragma once

#include <cstdint>

namespace distill {

inline constexpr int64_t kIgnoredTarget = -100;

struct LossRows {
  void* student;        // logits of the type that the function is for
  const void* teacher;  // null without a divergence
  int64_t student_stride, teacher_stride, student_size, teacher_size;  // elements
  const int64_t* targets;
  const float* weights;  // null: all 1
  const float* scale;    // a factor of all gradients; null: 1
  void* cross_entropy;   // float, double for double logits; null: not wanted
  void* divergence;      // likewise
  bool want_gradient;
};

}  // namespace distill
