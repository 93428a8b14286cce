#include "distill/ops/fused_loss.h"

#include <ATen/ATen.h>

#include "ops/cpu/fused_loss_cpu.h"
#include "ops/cuda_library.h"
#include "ops/dispatch.h"
#include "ops/plain_rows.h"

namespace distill {
namespace {

bool has_side_by_side_rows(const at::Tensor& x) {
  return x.dim() == 2 && (x.stride(1) == 1 || x.size(1) == 1);
}

void check(const FusedRows& rows, const FusedLoss& loss) {
  const at::Tensor& student = rows.student;
  TORCH_CHECK(has_fused_loss(student.device(), student.scalar_type()) &&
                  has_side_by_side_rows(student) && student.size(1) > 0,
              "fused_loss: the student's logits are ", student.toString(), " ", student.sizes());
  TORCH_CHECK(student.size(0) <= 1 || student.stride(0) >= student.size(1),
              "fused_loss: the student's rows overlap: stride ", student.stride(0), ", width ",
              student.size(1));
  if (loss.divergence != Divergence::kNone) {
    TORCH_CHECK(rows.teacher.defined() && has_side_by_side_rows(rows.teacher) &&
                    rows.teacher.size(0) == student.size(0) && rows.teacher.size(1) > 0 &&
                    rows.teacher.scalar_type() == student.scalar_type() &&
                    rows.teacher.device() == student.device(),
                "fused_loss: the teacher's logits do not go with the student's ", student.sizes());
  }
  TORCH_CHECK(loss.temperature > 0.0, "fused_loss: temperature ", loss.temperature);
  TORCH_CHECK(rows.targets.dim() == 1 && rows.targets.size(0) == student.size(0) &&
                  rows.targets.scalar_type() == at::kLong && rows.targets.is_contiguous() &&
                  rows.targets.device() == student.device(),
              "fused_loss: targets ", rows.targets.sizes(), " for logits ", student.sizes());
  if (rows.weights.defined()) {
    TORCH_CHECK(rows.weights.sizes() == rows.targets.sizes() && rows.weights.is_contiguous() &&
                    rows.weights.scalar_type() == at::kFloat &&
                    rows.weights.device() == student.device(),
                "fused_loss: weights ", rows.weights.sizes(), " for logits ", student.sizes());
  }
  if (rows.scale.defined()) {
    TORCH_CHECK(rows.scale.numel() == 1 && rows.scale.scalar_type() == at::kFloat &&
                    rows.scale.device() == student.device(),
                "fused_loss: scale ", rows.scale.toString(), " ", rows.scale.sizes());
  }
  if (!student.is_cpu()) return;
  const auto* targets = rows.targets.const_data_ptr<int64_t>();
  for (int64_t r = 0; r < student.size(0); ++r) {
    TORCH_CHECK(targets[r] == -100 || (0 <= targets[r] && targets[r] < student.size(1)),
                "fused_loss: the target of row ", r, " is ", targets[r], ", the vocabulary has ",
                student.size(1));
  }
}

FusedRowLosses fused_loss_on_cuda(const FusedRows& rows, const FusedLoss& loss,
                                  bool want_gradient) {
  const FusedRowLosses losses = empty_losses(rows, loss);
  const char* error = fused_loss_cuda()({.rows = plain_rows(rows, want_gradient, losses),
                                         .row_count = rows.student.size(0),
                                         .bfloat16 = rows.student.scalar_type() == at::kBFloat16},
                                        loss);
  TORCH_CHECK(error == nullptr, "fused_loss: ", error);
  return losses;
}

}  // namespace

bool has_fused_loss(at::Device device, at::ScalarType dtype) {
  const bool narrow = dtype == at::kFloat || dtype == at::kBFloat16;
  if (device.is_cpu()) return narrow || dtype == at::kDouble;
  return narrow && device.is_cuda() && fused_loss_cuda() != nullptr;
}

FusedRowLosses fused_loss(const FusedRows& rows, const FusedLoss& loss, bool want_gradient) {
  check(rows, loss);
  return rows.student.is_cpu() ? fused_loss_cpu(rows, loss, want_gradient)
                               : fused_loss_on_cuda(rows, loss, want_gradient);
}

}  // namespace distill
