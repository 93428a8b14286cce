#include "distill/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace distill {
namespace {

constexpr double kPi = std::numbers::pi;

double lift(double factor, double floor) { return factor * (1.0 - floor) + floor; }

class Constant final : public Schedule {
 protected:
  double after_warmup(const SchedulePoint&, double) const override { return 1.0; }
};

class Linear final : public Schedule {
 protected:
  double after_warmup(const SchedulePoint& point, double) const override {
    return std::max(0.0, 1.0 - point.progress());
  }
};

class Cosine final : public Schedule {
 public:
  void fields(Section& section) override {
    section.field("num_cycles", num_cycles_,
                  {.help = "Cosine waves after the warm-up; 0.5 falls from 1 to 0.", .above = 0});
    section.field("min_lr_ratio", min_lr_ratio_,
                  {.help = "The lowest factor of the peak rate.", .min = 0, .max = 1});
  }

 protected:
  double after_warmup(const SchedulePoint& point, double) const override {
    const double wave = 0.5 * (1.0 + std::cos(kPi * num_cycles_ * 2.0 * point.progress()));
    return std::max(0.0, lift(wave, min_lr_ratio_));
  }

 private:
  double num_cycles_ = 0.5;
  double min_lr_ratio_ = 0.0;
};

class CosineWithRestarts final : public Schedule {
 public:
  void fields(Section& section) override {
    section.field("num_cycles", num_cycles_, {.help = "Falls from 1 to 0.", .min = 1});
  }

 protected:
  double after_warmup(const SchedulePoint& point, double) const override {
    if (point.progress() >= 1.0) return 0.0;
    const double cycle = std::fmod(static_cast<double>(num_cycles_) * point.progress(), 1.0);
    return std::max(0.0, 0.5 * (1.0 + std::cos(kPi * cycle)));
  }

 private:
  int64_t num_cycles_ = 1;
};

class Polynomial final : public Schedule {
 public:
  void fields(Section& section) override {
    section.field("power", power_, {.help = "Exponent of the remaining share.", .above = 0});
    section.field("lr_end", lr_end_, {.help = "The last learning rate, absolute.", .min = 0});
  }

 protected:
  double after_warmup(const SchedulePoint& point, double peak) const override {
    const double end = peak > 0 ? lr_end_ / peak : 0.0;
    if (point.step > point.total) return end;
    return (1.0 - end) * std::pow(1.0 - point.progress(), power_) + end;
  }

 private:
  double power_ = 1.0;
  double lr_end_ = 1e-7;
};

class InverseSqrt final : public Schedule {
 public:
  void fields(Section& section) override {
    section.field("timescale", timescale_,
                  {.help = "Steps over which the rate halves twice.",
                   .min = 1,
                   .default_text = "the warm-up, or 10000"});
  }

 protected:
  double after_warmup(const SchedulePoint& point, double) const override {
    const int64_t scale = timescale_.value_or(point.warmup > 0 ? point.warmup : 10000);
    const double shifted = static_cast<double>(point.step + scale - point.warmup);
    return 1.0 / std::sqrt(shifted / static_cast<double>(scale));
  }

 private:
  std::optional<int64_t> timescale_;
};

/// Warm-up, stable, decay (Hu et al. 2024, MiniCPM).
class WarmupStableDecay final : public Schedule {
 public:
  void fields(Section& section) override {
    section.field(
        "decay_steps", decay_steps_,
        {.help = "Steps of the final decay.", .min = 1, .default_text = "decay_ratio of the run"});
    section.field("decay_ratio", decay_ratio_,
                  {.help = "The decay's share of the run.", .min = 0, .max = 1});
    section.field(
        "decay_type", decay_type_,
        {{"linear", Decay::kLinear}, {"cosine", Decay::kCosine}, {"1-sqrt", Decay::kSqrt}},
        {.help = "Shape of the decay."});
    section.field(
        "min_lr_ratio", min_lr_ratio_,
        {.help = "The lowest factor; the warm-up starts from it too.", .min = 0, .max = 1});
  }

  double factor(const SchedulePoint& point, double peak) const override {
    if (point.step >= point.warmup) return after_warmup(point, peak);
    const auto warmup = static_cast<double>(std::max<int64_t>(1, point.warmup));
    return lift(static_cast<double>(point.step) / warmup, min_lr_ratio_);
  }

 protected:
  double after_warmup(const SchedulePoint& point, double) const override {
    const int64_t decay = decay_steps_.value_or(
        std::llround(std::ceil(decay_ratio_ * static_cast<double>(point.total))));
    const int64_t begin = std::max(point.warmup, point.total - decay);
    if (point.step < begin) return 1.0;
    if (point.step >= begin + decay) return min_lr_ratio_;
    const double progress =
        static_cast<double>(point.step - begin) / static_cast<double>(std::max<int64_t>(1, decay));
    return std::max(0.0, lift(shape(progress), min_lr_ratio_));
  }

 private:
  enum class Decay { kLinear, kCosine, kSqrt };

  double shape(double progress) const {
    switch (decay_type_) {
      case Decay::kLinear:
        return 1.0 - progress;
      case Decay::kSqrt:
        return 1.0 - std::sqrt(progress);
      case Decay::kCosine:
        break;
    }
    return 0.5 * (1.0 + std::cos(kPi * progress));
  }

  std::optional<int64_t> decay_steps_;
  double decay_ratio_ = 0.2;
  Decay decay_type_ = Decay::kCosine;
  double min_lr_ratio_ = 0.0;
};

}  // namespace

double SchedulePoint::progress() const {
  return static_cast<double>(step - warmup) /
         static_cast<double>(std::max<int64_t>(1, total - warmup));
}

double Schedule::factor(const SchedulePoint& point, double peak) const {
  if (point.step >= point.warmup) return after_warmup(point, peak);
  return static_cast<double>(point.step) / static_cast<double>(std::max<int64_t>(1, point.warmup));
}

const Registry<Schedule>& schedules() {
  static const auto registry = [] {
    Registry<Schedule> all;
    all.add<Constant>("constant", "The peak rate after the warm-up.");
    all.add<Linear>("linear", "Falls in a line to zero.");
    all.add<Cosine>("cosine", "Falls along a cosine, to zero or to a share of the peak.");
    all.add<CosineWithRestarts>("cosine_with_restarts", "Several falls along a cosine.");
    all.add<Polynomial>("polynomial", "A power of the remaining share.");
    all.add<InverseSqrt>("inverse_sqrt", "One over the root of the step.");
    all.add<WarmupStableDecay>("wsd", "Stable at the peak, then a short decay.");
    return all;
  }();
  return registry;
}

void ScheduleConfig::fields(Section& section) {
  section.field("warmup_steps", warmup_steps,
                {.help = "Steps from rate 0 to the peak.",
                 .min = 0,
                 .default_text = "warmup_ratio of the run"});
  section.field(
      "warmup_ratio", warmup_ratio,
      {.help = "The warm-up's share of the run, rounded up to steps.", .min = 0, .max = 1});
  section.type_and_fields(shape, type, schedules(), {.help = "Shape of the schedule."});
  if (section.parsing() && section.has("warmup_steps") && section.has("warmup_ratio")) {
    section.problem("warmup_ratio", "warmup_steps is set too; keep one of them");
  }
}

int64_t ScheduleConfig::warmup(int64_t total) const {
  if (warmup_steps) return *warmup_steps;
  return static_cast<int64_t>(std::ceil(warmup_ratio * static_cast<double>(total)));
}

double ScheduleConfig::learning_rate(double peak, int64_t step, int64_t total) const {
  const SchedulePoint point{step, total, warmup(total)};
  return peak * (shape ? shape->factor(point, peak) : Constant().factor(point, peak));
}

}  // namespace distill
