// When a pair is projected, with what parameters, and how.
#include "objective/projector.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

#include "distill/core/error.h"

namespace distill {

void Projector::fields(Section& section) {
  section.field(
      "projector", use_, {{"auto", Use::kAuto}, {"linear", Use::kLinear}, {"none", Use::kNone}},
      {.help = "A linear map from the student's width to the teacher's, one a pair, trained with "
               "the student and not exported. auto: where the widths differ."});
  section.field("projector_bias", bias_, {.help = "Whether the map has a bias."});
}

bool Projector::projects(int64_t student_width, int64_t teacher_width) const {
  return use_ == Use::kLinear || (use_ == Use::kAuto && student_width != teacher_width);
}

void Projector::check(const std::vector<TapPair>& pairs, const ModelTaps& models) const {
  for (const TapPair& pair : pairs) {
    const int64_t student = models.student.at(pair.student)[0];
    const int64_t teacher = models.teacher.at(pair.teacher)[0];
    if (student == teacher || projects(student, teacher)) continue;
    throw ConfigError("projector: the student's width is " + std::to_string(student) +
                      ", the teacher's " + std::to_string(teacher) +
                      ": they can only be compared with a projector");
  }
}

std::vector<ObjectiveParameter> Projector::parameters(const std::vector<TapPair>& pairs,
                                                      const ModelTaps& models) const {
  std::vector<ObjectiveParameter> all;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const int64_t student = models.student.at(pairs[i].student)[0];
    const int64_t teacher = models.teacher.at(pairs[i].teacher)[0];
    if (!projects(student, teacher)) continue;
    const std::string name = "projector." + std::to_string(i);
    const double bound = 1.0 / std::sqrt(static_cast<double>(student));
    all.push_back({name + ".weight", {teacher, student}, bound});
    if (bias_) all.push_back({name + ".bias", {teacher}, bound});
  }
  return all;
}

at::Tensor Projector::apply(const at::Tensor& student, int64_t teacher_width,
                            std::span<const at::Tensor>& parameters) const {
  if (!projects(student.size(-1), teacher_width)) return student;
  const at::Tensor& weight = parameters[0];
  const at::Tensor bias = bias_ ? parameters[1] : at::Tensor();
  parameters = parameters.subspan(bias_ ? 2 : 1);
  return at::linear(student, weight, bias);
}

}  // namespace distill
