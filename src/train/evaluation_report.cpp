#include "train/evaluation_report.h"

#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "distill/core/error.h"
#include "distill/core/progress.h"

namespace distill {
namespace {

/// What was measured, by its logged name.
std::vector<std::pair<std::string, double>> metrics(const Fidelity& fidelity) {
  std::vector<std::pair<std::string, double>> all;
  const auto add = [&all](const char* name, const std::optional<double>& value) {
    if (value) all.emplace_back(name, *value);
  };
  add("eval_loss", fidelity.loss);
  add("eval_nll", fidelity.student_nll);
  add("eval_forward_kl", fidelity.forward_kl);
  add("eval_reverse_kl", fidelity.reverse_kl);
  add("eval_agreement", fidelity.agreement);
  return all;
}

}  // namespace

Json evaluation_event(const Fidelity& fidelity, int64_t step) {
  Json event = {{"step", step}};
  for (const auto& [name, value] : metrics(fidelity)) event[name] = value;
  event["eval_tokens"] = fidelity.tokens;
  return event;
}

std::string evaluation_line(const Fidelity& fidelity, int64_t step) {
  std::string line = "evaluation at step " + std::to_string(step) + ":";
  if (fidelity.loss) line += " loss " + format_number(*fidelity.loss) + " ";
  line += " nll " + format_number(fidelity.student_nll) + "  perplexity " +
          format_number(fidelity.perplexity());
  if (fidelity.forward_kl) line += "  forward_kl " + format_number(*fidelity.forward_kl);
  if (fidelity.agreement) line += "  agreement " + format_number(*fidelity.agreement);
  return line + "  (" + std::to_string(fidelity.tokens) + plural(" token", fidelity.tokens) + ")";
}

double evaluation_metric(const Fidelity& fidelity, const std::string& name) {
  for (const auto& [metric, value] : metrics(fidelity)) {
    if (metric == name) return value;
  }
  throw ConfigError("train.metric_for_best_model: " + name + " needs a teacher");
}

bool is_better_metric(double value, std::optional<double> best, const std::string& name) {
  if (!std::isfinite(value)) return false;
  if (!best) return true;
  return name == "eval_agreement" ? value > *best : value < *best;
}

std::string format_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace distill
