#include "distill/teacher/live_teacher.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace distill {

TeacherRows LiveTeacher::answer(const Batch& batch) const {
  const at::NoGradGuard no_grad;
  const bool elsewhere = batch.tokens.device() != model_.device();
  const Batch own = elsewhere ? batch.to(model_.device()) : batch;
  const at::Tensor rows = model_.forward(own).hidden.index_select(0, own.loss_rows);
  const Head head = model_.head();
  TeacherRows answers;
  answers.rows = rows.size(0);
  answers.vocabulary = head.vocabulary();
  answers.dtype = head.weight.scalar_type();
  answers.logits = [rows, head, elsewhere](int64_t begin, int64_t end, at::Tensor out) {
    const at::NoGradGuard inner_no_grad;
    if (elsewhere) {
      out.copy_(head.logits(rows.slice(0, begin, end)));
    } else {
      head.logits_into(rows.slice(0, begin, end), out);
    }
  };
  return answers;
}

}  // namespace distill
