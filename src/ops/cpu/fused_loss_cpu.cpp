#include "ops/cpu/fused_loss_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "ops/plain_rows.h"

namespace distill {
namespace {

bool has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

bool has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

LossRowsFunction function_for(at::ScalarType type, const LossRowsFunctions& functions) {
  if (type == at::kDouble) return loss_rows_double;
  return type == at::kFloat ? functions.of_float : functions.of_bfloat16;
}

}  // namespace

std::vector<LossRowsFunctions> usable_loss_rows() {
  std::vector<LossRowsFunctions> usable;
  const auto add = [&usable](bool supported, const LossRowsFunctions& functions) {
    if (supported && functions.of_float != nullptr) usable.push_back(functions);
  };
  add(has_avx512(), loss_rows_avx512());
  add(has_avx2(), loss_rows_avx2());
  add(true, loss_rows_portable());
  return usable;
}

FusedRowLosses fused_loss_cpu(const FusedRows& rows, const FusedLoss& loss, bool want_gradient,
                              const LossRowsFunctions& functions) {
  const FusedRowLosses losses = empty_losses(rows, loss);
  const LossRows plain = plain_rows(rows, want_gradient, losses);
  const LossRowsFunction run = function_for(rows.student.scalar_type(), functions);
  at::parallel_for(0, rows.student.size(0), 1,
                   [&](int64_t begin, int64_t end) { run(plain, loss, begin, end); });
  return losses;
}

FusedRowLosses fused_loss_cpu(const FusedRows& rows, const FusedLoss& loss, bool want_gradient) {
  static const LossRowsFunctions fastest = usable_loss_rows().front();
  return fused_loss_cpu(rows, loss, want_gradient, fastest);
}

}  // namespace distill
