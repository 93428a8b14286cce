// Registered objectives against losses and gradients that PyTorch computed in fp64.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <map>
#include <sstream>

#include "distill/config/config_file.h"
#include "distill/io/json.h"
#include "distill/io/safetensors.h"
#include "distill/objective/logit_objective.h"
#include "distill/ops/fused_loss.h"
#include "support/fixtures.h"

namespace distill {
namespace {

/// The reference's name -> the objective and its options.
struct Named {
  std::string type, options;
  bool tempered = true;  // takes a temperature
};
const std::map<std::string, Named> kNames = {
    {"ce", {"cross_entropy", ""}},
    {"fkl", {"forward_kl", ""}},
    {"rkl", {"reverse_kl", ""}},
    {"sym_kl", {"symmetric_kl", "{forward_weight: 0.5, reverse_weight: 0.5}"}},
    {"akl", {"adaptive_kl", "{tail_mass: 0.5}"}},
    {"jsd_beta0.1", {"jsd", "{beta: 0.1}"}},
    {"jsd_beta0.5", {"jsd", "{beta: 0.5}"}},
    {"jsd_beta0.9", {"jsd", "{beta: 0.9}"}},
    {"skew_fkl", {"skewed_forward_kl", "{lambda: 0.1}"}},
    {"skew_rkl", {"skewed_reverse_kl", "{lambda: 0.1}"}},
    {"tvd", {"total_variation", ""}},
    {"mse_logits", {"mse_logits", "", false}},
    {"topk_fkl_renorm_both", {"forward_kl", "{top_k: 8, tail: renormalize}"}},
    {"topk_fkl_tail", {"forward_kl", "{top_k: 8, tail: bucket}"}},
    {"topk_rkl_tail", {"reverse_kl", "{top_k: 8}"}},
    {"topk_jsd0.5_tail", {"jsd", "{beta: 0.5, top_k: 8}"}}};

std::unique_ptr<LogitObjective> make_objective(const Named& named, double temperature) {
  auto objective = logit_objectives().create(named.type);
  std::string options = named.options.empty() ? "{}" : named.options;
  if (named.tempered) {
    const std::string key = "temperature: " + std::to_string(temperature);
    options = options == "{}" ? "{" + key + "}" : "{" + key + ", " + options.substr(1);
  }
  const ConfigFile file = ConfigFile::parse(options, "loss_golden_test");
  file.read([&](Section& section) { objective->fields(section); });
  return objective;
}

/// The kernel's answer to the same rows.
struct Fused {
  double sum;
  at::Tensor gradient;
};

Fused run_fused(const FusedTerm& term, const LogitRows& rows) {
  FusedLoss loss{.divergence = term.divergence,
                 .temperature = term.temperature,
                 .ratio = term.ratio,
                 .cross_entropy = term.cross_entropy,
                 .divergence_scale = term.factor};
  FusedRows fused;
  fused.student = rows.student.detach().clone();
  fused.teacher = rows.teacher;
  fused.targets = rows.targets;
  const FusedRowLosses losses = fused_loss(fused, loss, true);
  const at::Tensor row_losses =
      term.cross_entropy ? losses.cross_entropy : losses.divergence * term.factor;
  return {row_losses.sum().item<double>(), fused.student};
}

/// The loss of each row alone: fp64 [R].
at::Tensor row_losses(const LogitObjective& objective, const LogitRows& rows) {
  std::vector<at::Tensor> losses;
  for (int64_t row = 0; row < rows.student.size(0); ++row) {
    LogitRows one;
    one.student = rows.student.detach().narrow(0, row, 1);
    one.teacher = rows.teacher.narrow(0, row, 1);
    one.targets = rows.targets.narrow(0, row, 1);
    losses.push_back(objective.sum(one, {}));
  }
  return at::stack(losses);
}

struct Case {
  std::string id, set, loss;
  double temperature;
  bool finite;
};

/// Where the eight stored log-probabilities at T = 1 say all. In `scaled20` they leave less than
/// fp64 can tell from nothing, and of that reverse KL takes the logarithm.
bool sparse_is_exact(const Case& c) {
  if (c.loss == "topk_fkl_renorm_both") return true;
  if (!c.loss.starts_with("topk_")) return false;
  return c.temperature == 1.0 && !(c.set == "scaled20" && c.loss == "topk_rkl_tail");
}

class Losses {
 public:
  Losses() : folder_(golden::fixtures_folder() / "losses"), file_(folder_ / "cases.safetensors") {
    const Json json = read_json(folder_ / "cases.json");
    for (const Json& entry : json["cases"]) {
      if (!entry.contains("set") || !entry.contains("T")) continue;
      cases_.push_back({entry["id"], entry["set"], entry["loss"], entry["T"], entry["finite"]});
    }
  }

  const std::vector<Case>& cases() const { return cases_; }

  /// With the objective's own T^2: cross-entropy has none.
  void check(const Case& c) const {
    SCOPED_TRACE(c.id);
    const auto objective = make_objective(kNames.at(c.loss), c.temperature);
    LogitRows rows;
    rows.student = file_.tensor(c.set + "/student").to(at::kDouble).requires_grad_(true);
    rows.teacher = file_.tensor(c.set + "/teacher").to(at::kDouble);
    rows.targets = file_.tensor(c.set + "/labels");
    const at::Tensor sum = objective->sum(rows, {});
    const std::optional<FusedTerm> term = objective->fused({});
    if (!c.finite) {
      EXPECT_TRUE(std::isinf(sum.item<double>()));
      EXPECT_FALSE(term && std::isfinite(run_fused(*term, rows).sum));
      return;
    }
    const double factor = c.loss == "ce" ? 1.0 : c.temperature * c.temperature;
    const at::Tensor expected_rows = file_.tensor(c.id + "/row") * factor;
    const double expected = expected_rows.sum().item<double>();
    const double close = 1e-9 * std::max(1.0, std::abs(expected));
    const at::Tensor expected_gradient = file_.tensor(c.id + "/grad") * factor;
    EXPECT_NEAR(sum.item<double>(), expected, close);
    const at::Tensor gradient = torch::autograd::grad({sum}, {rows.student})[0];
    EXPECT_LT(golden::max_difference(gradient, expected_gradient), 1e-9);
    EXPECT_LT(golden::max_difference(row_losses(*objective, rows), expected_rows), close);
    if (sparse_is_exact(c)) check_sparse(c, *objective, rows, expected, expected_gradient);
    if (!term) return;
    const Fused fused = run_fused(*term, rows);
    EXPECT_NEAR(fused.sum, expected, close);
    EXPECT_LT(golden::max_difference(fused.gradient, expected_gradient), 1e-9);
  }

 private:
  /// The same from the stored tokens alone.
  void check_sparse(const Case& c, const LogitObjective& objective, LogitRows rows, double expected,
                    const at::Tensor& expected_gradient) const {
    rows.sparse = {file_.tensor(c.set + "/top8/indices"), file_.tensor(c.set + "/top8/logprobs_T1"),
                   rows.teacher.size(-1)};
    rows.teacher = at::Tensor();
    const at::Tensor sum = objective.sum(rows, {});
    EXPECT_NEAR(sum.item<double>(), expected, 1e-9 * std::max(1.0, std::abs(expected)));
    const at::Tensor gradient = torch::autograd::grad({sum}, {rows.student})[0];
    EXPECT_LT(golden::max_difference(gradient, expected_gradient), 1e-9);
  }

  std::filesystem::path folder_;
  SafetensorsFile file_;
  std::vector<Case> cases_;
};

TEST(LossGolden, ValuesAndGradientsEqualTheReference) {
  const Losses losses;
  int checked = 0;
  std::map<std::string, int> skipped;
  for (const Case& c : losses.cases()) {
    // The reference cuts the labels' softmax to the common prefix too; ours keeps the student's
    // whole.
    const bool cut_cross_entropy = c.loss == "ce" && c.set == "vocab_student_larger";
    if (kNames.count(c.loss) == 0 || cut_cross_entropy) {
      ++skipped[c.loss];
      continue;
    }
    losses.check(c);
    ++checked;
  }
  EXPECT_GE(checked, 140);
  for (const auto& [name, count] : skipped) {
    std::cout << "skipped: " << count << " cases of " << name << '\n';
  }
}

}  // namespace
}  // namespace distill
