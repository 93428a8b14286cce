#include "ops/cpu/fused_loss_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

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
  const at::Tensor& student = rows.student;
  const at::ScalarType type = student.scalar_type();
  const at::ScalarType sums = type == at::kDouble ? at::kDouble : at::kFloat;
  const auto losses = [&] { return at::zeros({student.size(0)}, at::TensorOptions(sums)); };
  FusedRowLosses out;
  if (loss.cross_entropy) out.cross_entropy = losses();
  if (loss.divergence != Divergence::kNone) out.divergence = losses();
  const auto data = [](const at::Tensor& x) {
    return x.defined() ? x.mutable_data_ptr() : nullptr;
  };
  const bool taught = loss.divergence != Divergence::kNone;
  const LossRows plain{
      .student = data(student),
      .teacher = taught ? rows.teacher.const_data_ptr() : nullptr,
      .student_stride = student.stride(0),
      .teacher_stride = taught ? rows.teacher.stride(0) : 0,
      .student_size = student.size(1),
      .teacher_size = taught ? rows.teacher.size(1) : 0,
      .targets = rows.targets.const_data_ptr<int64_t>(),
      .weights = rows.weights.defined() ? rows.weights.const_data_ptr<float>() : nullptr,
      .cross_entropy = data(out.cross_entropy),
      .divergence = data(out.divergence),
      .want_gradient = want_gradient};
  const LossRowsFunction run = function_for(type, functions);
  at::parallel_for(0, student.size(0), 1,
                   [&](int64_t begin, int64_t end) { run(plain, loss, begin, end); });
  return out;
}

FusedRowLosses fused_loss_cpu(const FusedRows& rows, const FusedLoss& loss, bool want_gradient) {
  static const LossRowsFunctions fastest = usable_loss_rows().front();
  return fused_loss_cpu(rows, loss, want_gradient, fastest);
}

}  // namespace distill
