// The fused loss on rows in memory, compiled once for each class of processor.
#pragma once

#include <cstdint>

#include "distill/ops/divergence.h"
#include "ops/loss_rows.h"

namespace distill {

/// The files that define these include nothing of LibTorch: its inline functions would be compiled
/// with their instructions for everyone.
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
