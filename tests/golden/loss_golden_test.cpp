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
#include "support/fixtures.h"

namespace distill {
namespace {

const std::map<std::string, std::string> kNames = {
    {"ce", "cross_entropy"}, {"fkl", "forward_kl"}, {"rkl", "reverse_kl"}};

std::unique_ptr<LogitObjective> make_objective(const std::string& name, double temperature) {
  auto objective = logit_objectives().create(name);
  const ConfigFile file =
      ConfigFile::parse("temperature: " + std::to_string(temperature), "loss_golden_test");
  file.read([&](Section& section) { objective->fields(section); });
  return objective;
}

struct Case {
  std::string id, set, loss;
  double temperature;
  bool finite;
};

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
    if (!c.finite) {
      EXPECT_TRUE(std::isinf(sum.item<double>()));
      return;
    }
    const double factor = c.loss == "ce" ? 1.0 : c.temperature * c.temperature;
    const at::Tensor expected = file_.tensor(c.id + "/row").sum() * factor;
    EXPECT_NEAR(sum.item<double>(), expected.item<double>(),
                1e-9 * std::max(1.0, std::abs(expected.item<double>())));
    const at::Tensor gradient = torch::autograd::grad({sum}, {rows.student})[0];
    EXPECT_LT(golden::max_difference(gradient, file_.tensor(c.id + "/grad") * factor), 1e-9);
  }

 private:
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
  EXPECT_GE(checked, 80);
  for (const auto& [name, count] : skipped) {
    std::cout << "skipped: " << count << " cases of " << name << '\n';
  }
}

}  // namespace
}  // namespace distill
