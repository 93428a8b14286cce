#include "distill/teacher/live_teacher.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace distill {

TeacherRows LiveTeacher::answer(const Batch& batch) const {
  const at::NoGradGuard no_grad;
  const at::Device asked_from = batch.tokens.device();
  const Batch own = asked_from == model_.device() ? batch : batch.to(model_.device());
  const at::Tensor rows = model_.forward(own).hidden.index_select(0, own.loss_rows);
  const Head head = model_.head();
  TeacherRows answers;
  answers.rows = rows.size(0);
  answers.vocabulary = head.vocabulary();
  answers.logits = [rows, head, asked_from](int64_t begin, int64_t end) {
    const at::NoGradGuard inner_no_grad;
    return head.logits(rows.slice(0, begin, end)).to(asked_from);
  };
  return answers;
}

}  // namespace distill
