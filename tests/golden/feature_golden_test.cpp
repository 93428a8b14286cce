// Registered objectives over hidden states against values and gradients that PyTorch computed in
// fp64.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <map>

#include "distill/config/config_file.h"
#include "distill/io/json.h"
#include "distill/io/safetensors.h"
#include "distill/objective/feature_objective.h"
#include "support/fixtures.h"

namespace distill {
namespace {

/// The reference's name -> the objective, and whether it is projected.
struct Named {
  std::string type;
  bool projected = false;
};
const std::map<std::string, Named> kNames = {{"mse", {"hidden_mse"}},
                                             {"mse_proj", {"hidden_mse", true}}};

std::unique_ptr<FeatureObjective> make_objective(const Named& named, bool masked) {
  auto objective = feature_objectives().create(named.type);
  const std::string options = std::string("{projector: ") + (named.projected ? "linear" : "none") +
                              ", tokens: " + (masked ? "loss" : "all") + "}";
  const ConfigFile file = ConfigFile::parse(options, "feature_golden_test");
  file.read([&](Section& section) { objective->fields(section); });
  return objective;
}

class Features {
 public:
  Features() : folder_(golden::fixtures_folder() / "losses"), file_(folder_ / "cases.safetensors") {
    const Json json = read_json(folder_ / "cases.json");
    for (const Json& entry : json["cases"]) {
      const std::string id = entry["id"];
      if (!id.starts_with("hidden/")) continue;
      const std::string loss = entry["loss"];
      const bool masked = entry["mask"] == "mask";
      const auto named = kNames.find(loss.substr(0, loss.rfind('_')));
      if (named == kNames.end()) continue;
      SCOPED_TRACE(id);
      check(id, named->second, masked, entry["value"]);
      ++checked_;
    }
  }

  int checked() const { return checked_; }

 private:
  /// [B, L, D] of the file as a leaf [B * L, D].
  at::Tensor flat(const std::string& name) const {
    return file_.tensor("hidden/" + name).to(at::kDouble).flatten(0, 1).requires_grad_(true);
  }

  void check(const std::string& id, const Named& named, bool masked, double expected) const {
    const at::Tensor mask = file_.tensor("hidden/mask").flatten();
    Batch batch;
    batch.loss_rows = mask.nonzero().flatten();
    FeatureRows rows{batch};
    const at::Tensor student = flat("student");
    const at::Tensor teacher = flat(named.projected ? "teacher_wide" : "teacher_same").detach();
    rows.pairs.push_back({student, teacher, 1.0});
    std::vector<std::pair<std::string, at::Tensor>> leaves = {{"student", student}};
    if (named.projected) {
      for (const std::string name : {"proj_weight", "proj_bias"}) {
        rows.parameters.push_back(
            file_.tensor("hidden/" + name).to(at::kDouble).requires_grad_(true));
        leaves.emplace_back(name, rows.parameters.back());
      }
    }
    const auto count = masked ? batch.loss_rows.size(0) : mask.size(0);
    const at::Tensor mean =
        make_objective(named, masked)->sum(rows, {}) / static_cast<double>(count);
    EXPECT_NEAR(mean.item<double>(), expected, 1e-12);
    torch::autograd::backward({mean}, {});
    for (const auto& [name, leaf] : leaves) {
      const at::Tensor gradient = file_.tensor(id + "/grad/" + name);
      EXPECT_LT(golden::max_difference(leaf.grad().view(gradient.sizes()), gradient), 1e-12)
          << name;
    }
  }

  std::filesystem::path folder_;
  SafetensorsFile file_;
  int checked_ = 0;
};

TEST(FeatureGolden, ValuesAndGradientsEqualTheReference) { EXPECT_GE(Features().checked(), 4); }

}  // namespace
}  // namespace distill
