#include "distill/flow/trace.h"

#include <algorithm>

namespace distill {

void Needs::merge(const Needs& other) {
  teacher_logits = teacher_logits || other.teacher_logits;
  teacher_sample = teacher_sample || other.teacher_sample;
  teacher_top_k = std::max(teacher_top_k, other.teacher_top_k);
  student_taps.insert(other.student_taps.begin(), other.student_taps.end());
  teacher_taps.insert(other.teacher_taps.begin(), other.teacher_taps.end());
}

}  // namespace distill
