// Learning-rate schedules: the ones of transformers, step by step.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "distill/config/registry.h"
#include "distill/config/section.h"

namespace distill {

/// Where a schedule is evaluated. Steps count from 0: step 0 of a warm-up has learning rate 0.
struct SchedulePoint {
  int64_t step = 0;
  int64_t total = 0;
  int64_t warmup = 0;

  /// (step - warmup) / max(1, total - warmup): passes 1 after the end.
  double progress() const;
};

/// The shape of a schedule.
class Schedule {
 public:
  virtual ~Schedule() = default;
  /// Factor of the peak learning rate; `peak` matters to shapes that end at an absolute rate.
  virtual double factor(const SchedulePoint& point, double peak) const;
  virtual void fields(Section&) {}

 protected:
  /// The factor once the linear warm-up is over.
  virtual double after_warmup(const SchedulePoint& point, double peak) const = 0;
};

const Registry<Schedule>& schedules();

struct ScheduleConfig {
  std::string type = "constant";
  std::unique_ptr<Schedule> shape;
  std::optional<int64_t> warmup_steps;
  double warmup_ratio = 0.0;

  void fields(Section& section);
  /// warmup_steps, or ceil(warmup_ratio * total).
  int64_t warmup(int64_t total) const;
  double learning_rate(double peak, int64_t step, int64_t total) const;
};

}  // namespace distill
