#include "distill/teacher/live_teacher.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace distill {

Offers LiveTeacher::offers(const TransformerConfig& config) {
  return {.logits = true, .taps = tap_shapes(config)};
}

TeacherAnswer LiveTeacher::answer(const Batch& batch, const Needs& needs) {
  const at::NoGradGuard no_grad;
  const at::Device device = batch.tokens.device();
  const Batch own = device == model_.device() ? batch : batch.to(model_.device());
  ForwardOptions options;
  options.taps = needs.teacher_taps;
  Trace trace = model_.forward(own, options);
  TeacherAnswer answer;
  if (needs.teacher_rows()) answer.rows = rows(own, trace.hidden, device);
  for (auto& [tap, value] : trace.taps) answer.taps.emplace(tap, value.to(device));
  return answer;
}

TeacherRows LiveTeacher::rows(const Batch& own, const at::Tensor& hidden, at::Device device) const {
  const at::Tensor kept = hidden.index_select(0, own.loss_rows);
  const Head head = model_.head();
  TeacherRows rows;
  rows.rows = kept.size(0);
  rows.vocabulary = head.vocabulary();
  rows.dtype = head.weight.scalar_type();
  const bool elsewhere = device != model_.device();
  rows.logits = [kept, head, elsewhere](int64_t begin, int64_t end, at::Tensor out) {
    const at::NoGradGuard no_grad;
    if (elsewhere) {
      out.copy_(head.logits(kept.slice(0, begin, end)));
    } else {
      head.logits_into(kept.slice(0, begin, end), out);
    }
  };
  return rows;
}

}  // namespace distill
