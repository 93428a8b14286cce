#include "distill/config/number.h"

#include <cmath>
#include <numbers>

#include "distill/config/section.h"

namespace distill {

int64_t StepSpan::count(int64_t total_steps) const {
  if (steps > 0) return steps;
  return std::max<int64_t>(1, std::llround(share * static_cast<double>(total_steps)));
}

double Number::at(int64_t step, int64_t total_steps) const {
  const int64_t end = over_.count(total_steps);
  if (constant() || step >= end) return last_;
  const double progress = static_cast<double>(step) / static_cast<double>(end);
  switch (shape_) {
    case Shape::kLinear:
      return std::lerp(first_, last_, progress);
    case Shape::kCosine:
      return std::lerp(first_, last_, 0.5 * (1.0 - std::cos(std::numbers::pi * progress)));
    case Shape::kStep:
    case Shape::kConstant:
      break;
  }
  return first_;
}

void Number::schedule(Section& section, const Field& range) {
  Number read = *this;
  read.shape_ = Shape::kLinear;
  read.over_ = {};
  section.field("shape", read.shape_, shapes(), {});
  const bool constant = read.shape_ == Shape::kConstant;
  Field end = range;
  end.required = true;
  section.field("from", read.first_, end);
  if (constant) read.last_ = read.first_;
  end.required = !constant;
  section.field("to", read.last_, end);
  section.field("over", read.over_, {});
  if (constant && !read.constant()) {
    section.problem(
        "to",
        "differs from `from`, but `shape: constant` never leaves it; leave `to` out, or "
        "take linear, cosine or step");
  }
  if (read.shape_ == Shape::kStep && !section.has("over")) {
    section.problem("over", "missing, and `shape: step` needs it: the steps before the change");
  }
  *this = constant ? Number(read.first_) : read;
}

const std::vector<std::pair<std::string, Number::Shape>>& Number::shapes() {
  static const std::vector<std::pair<std::string, Shape>> names = {{"constant", Shape::kConstant},
                                                                   {"linear", Shape::kLinear},
                                                                   {"cosine", Shape::kCosine},
                                                                   {"step", Shape::kStep}};
  return names;
}

}  // namespace distill
