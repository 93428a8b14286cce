#include "train/run_log.h"

#include <ATen/ATen.h>

#include "distill/core/log.h"
#include "train/evaluation_report.h"

namespace distill {

void RunLog::begin(int64_t done, int64_t total) {
  events_.emplace(path_);
  total_ = total;
  progress_ = std::make_unique<ProgressLine>("train", done, total);
}

void RunLog::pause(std::chrono::steady_clock::duration time) {
  if (progress_) progress_->pause(time);
}

void RunLog::step(const StepReport& report, const StepPlace& place) {
  const double loss = report.loss.item<double>();
  const double norm = report.grad_norm.item<double>();
  Json event = {{"step", place.step}, {"epoch", place.epoch}, {"loss", loss}};
  for (size_t i = 0; i < report.terms.size(); ++i) {
    event[labels_[i]] = report.terms[i].item<double>();
  }
  event["grad_norm"] = norm;
  event["learning_rate"] = report.learning_rate;
  event["tokens_per_second"] = place.tokens_per_second;
  event["tokens"] = place.tokens;
  event["loss_tokens"] = report.loss_tokens;
  events_->write(event);
  const std::string details = "loss " + format_number(loss) + "  " +
                              format_count(static_cast<int64_t>(place.tokens_per_second)) +
                              " tokens/s";
  if (!progress_) return;
  if (!stderr_is_terminal()) {
    log_info("step " + std::to_string(place.step) + "/" + std::to_string(total_) + "  " + details +
             "  grad_norm " + format_number(norm) + "  lr " + format_number(report.learning_rate) +
             "  left " + format_duration(progress_->seconds_left(place.step)));
  }
  progress_->update(place.step, details);
}

void RunLog::evaluation(const Fidelity& fidelity, int64_t step) {
  events_->write(evaluation_event(fidelity, step));
  log_info(evaluation_line(fidelity, step));
}

}  // namespace distill
