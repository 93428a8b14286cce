// A number of the configuration that may change over the run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace distill {

class Section;
struct Field;

/// A stretch of the run: a number of steps, or a share of all of them.
struct StepSpan {
  int64_t steps = 0;   ///< 0: `share` says it
  double share = 1.0;  ///< of the run

  /// At least 1. A share is rounded to whole steps.
  int64_t count(int64_t total_steps) const;
  bool operator==(const StepSpan&) const = default;
};

/// A plain number, or a schedule: one that goes from a first value to a last one and stays there.
/// Every shape is monotone, so a range that holds both ends holds the whole course.
class Number {
 public:
  enum class Shape {
    kConstant,
    kLinear,
    kCosine,  ///< half a wave
    kStep,    ///< the first value until the last step of the span is done
  };

  Number(double value) : first_(value), last_(value) {}

  /// Its value at a step, counted from 0: the first one at step 0, the last one from the end of the
  /// span on.
  double at(int64_t step, int64_t total_steps) const;
  double first() const { return first_; }
  double last() const { return last_; }
  double lowest() const { return std::min(first_, last_); }
  double highest() const { return std::max(first_, last_); }
  bool constant() const { return first_ == last_; }
  /// Whether it is `value` at every step.
  bool always(double value) const { return constant() && last_ == value; }
  Shape shape() const { return shape_; }
  const StepSpan& over() const { return over_; }

  /// The keys of a schedule, while a mapping is parsed; `range` holds for both ends.
  void schedule(Section& section, const Field& range);
  static const std::vector<std::pair<std::string, Shape>>& shapes();

 private:
  double first_, last_;
  StepSpan over_;
  Shape shape_ = Shape::kConstant;
};

}  // namespace distill
