#include "distill/train/training_summary.h"

#include <cmath>
#include <cstdio>

#include "distill/core/progress.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

std::string cell(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

void add_row(std::string& table, const std::string& name, const std::string& before,
             const std::string& after) {
  char line[160];
  std::snprintf(line, sizeof line, "  %-28s %12s %12s\n", name.c_str(), before.c_str(),
                after.c_str());
  table += line;
}

}  // namespace

std::string format_summary(const TrainingSummary& summary, const fs::path& folder) {
  std::string table;
  const int64_t steps = summary.last_step - summary.first_step + 1;
  if (steps > 0) {
    add_row(table, "", "step " + std::to_string(summary.first_step),
            "step " + std::to_string(summary.last_step));
    add_row(table, "training loss", cell("%.4f", summary.first_loss),
            cell("%.4f", summary.last_loss));
  } else {
    add_row(table, "", "", "step " + std::to_string(summary.last_step));
  }
  if (summary.after) {
    const Fidelity& after = *summary.after;
    const Fidelity* before = summary.before ? &*summary.before : nullptr;
    const auto both = [&](const char* name, auto value, const char* format) {
      add_row(table, name, before ? cell(format, value(*before)) : "", cell(format, value(after)));
    };
    both(
        "held-out perplexity", [](const Fidelity& f) { return f.perplexity(); }, "%.3f");
    if (after.forward_kl) {
      both(
          "KL(teacher || student)", [](const Fidelity& f) { return *f.forward_kl; }, "%.4f");
      both(
          "agreement with teacher", [](const Fidelity& f) { return *f.agreement; }, "%.4f");
      add_row(table, "teacher's perplexity", "", cell("%.3f", std::exp(*after.teacher_nll)));
    }
  }
  const bool resumed = summary.first_step > 1;
  table += "  " + std::to_string(steps) + plural(" step", steps) +
           (resumed ? " after step " + std::to_string(summary.first_step - 1) : "") + ", " +
           format_count(summary.tokens) + plural(" token", summary.tokens) + " in " +
           cell("%.1f", summary.seconds) + " s, " +
           format_count(static_cast<int64_t>(summary.tokens_per_second)) +
           " tokens/s; the model is in " + (folder / "final").string() + "\n";
  return table;
}

}  // namespace distill
