// The fused loss on rows in memory, compiled once for each class of processor.
#pragma once

#include <cstdint>

#include "distill/ops/divergence.h"
#include "ops/cpu/vector.h"

namespace distill {

/// Plain pointers, so that the files below need no header of LibTorch, whose inline functions would
/// be compiled with their instructions for everyone.
struct LossRows {
  void* student;        // logits of the type that the function is for
  const void* teacher;  // null without a divergence
  int64_t student_stride, teacher_stride, student_size, teacher_size;  // elements
  const int64_t* targets;
  const float* weights;  // null: all 1
  void* cross_entropy;   // float, double for double logits; null: not wanted
  void* divergence;      // likewise
  bool want_gradient;
};

using LossRowsFunction = void (*)(const LossRows& rows, const FusedLoss& loss, int64_t begin,
                                  int64_t end);

/// Of one class of processor; null where the program was not built for it.
struct LossRowsFunctions {
  const char* name = "";
  LossRowsFunction of_float = nullptr, of_bfloat16 = nullptr;
};

LossRowsFunctions loss_rows_avx512();
LossRowsFunctions loss_rows_avx2();
LossRowsFunctions loss_rows_portable();
void loss_rows_double(const LossRows& rows, const FusedLoss& loss, int64_t begin, int64_t end);

}  // namespace distill
