#include "ops/plain_rows.h"

#include <ATen/ATen.h>

namespace distill {
namespace {

template <class T>
const T* data_or_null(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr<T>() : nullptr;
}

void* mutable_data_or_null(const at::Tensor& x) {
  return x.defined() ? x.mutable_data_ptr() : nullptr;
}

}  // namespace

FusedRowLosses empty_losses(const FusedRows& rows, const FusedLoss& loss) {
  const bool in_double = rows.student.scalar_type() == at::kDouble;
  const auto losses = [&] {
    return at::empty_like(rows.targets, in_double ? at::kDouble : at::kFloat);
  };
  FusedRowLosses empty;
  if (loss.cross_entropy) empty.cross_entropy = losses();
  if (loss.divergence != Divergence::kNone) empty.divergence = losses();
  return empty;
}

LossRows plain_rows(const FusedRows& rows, bool want_gradient, const FusedRowLosses& losses) {
  const bool taught = losses.divergence.defined();
  return {.student = rows.student.mutable_data_ptr(),
          .teacher = taught ? rows.teacher.const_data_ptr() : nullptr,
          .student_stride = rows.student.stride(0),
          .teacher_stride = taught ? rows.teacher.stride(0) : 0,
          .student_size = rows.student.size(1),
          .teacher_size = taught ? rows.teacher.size(1) : 0,
          .targets = rows.targets.const_data_ptr<int64_t>(),
          .weights = data_or_null<float>(rows.weights),
          .scale = data_or_null<float>(rows.scale),
          .cross_entropy = mutable_data_or_null(losses.cross_entropy),
          .divergence = mutable_data_or_null(losses.divergence),
          .want_gradient = want_gradient};
}

}  // namespace distill
