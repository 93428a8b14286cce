// Schedules and AdamW against transformers' get_scheduler and torch.optim.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "distill/config/config_file.h"
#include "distill/io/json.h"
#include "distill/io/safetensors.h"
#include "distill/optim/adamw.h"
#include "distill/optim/schedule.h"
#include "support/fixtures.h"

namespace distill {
namespace {

/// Our configuration for one of transformers' schedules.
std::string schedule_yaml(const Json& entry) {
  static const std::map<std::string, std::string> kTypes = {{"constant_with_warmup", "constant"},
                                                            {"cosine_with_min_lr", "cosine"},
                                                            {"warmup_stable_decay", "wsd"}};
  static const std::map<std::string, std::string> kKeys = {{"num_decay_steps", "decay_steps"},
                                                           {"min_lr_rate", "min_lr_ratio"}};
  const std::string name = entry["name"];
  std::string yaml = "type: " + (kTypes.count(name) ? kTypes.at(name) : name) + "\n";
  // transformers' `constant` has no warm-up, whatever it is told.
  const int64_t warmup = name == "constant" ? 0 : entry["warmup"].get<int64_t>();
  yaml += "warmup_steps: " + std::to_string(warmup) + "\n";
  for (const auto& [key, value] : entry["kwargs"].items()) {
    yaml += (kKeys.count(key) ? kKeys.at(key) : key) + ": " + value.dump() + "\n";
  }
  return yaml;
}

TEST(OptimGolden, SchedulesEqualTransformersAtEveryStep) {
  std::ifstream lines(golden::fixtures_folder() / "optim" / "schedules.jsonl");
  ASSERT_TRUE(lines);
  int checked = 0;
  for (std::string line; std::getline(lines, line); ++checked) {
    const Json entry = parse_json(line, "schedules.jsonl");
    SCOPED_TRACE(line.substr(0, 120));
    ScheduleConfig schedule;
    ConfigFile::parse(schedule_yaml(entry), "schedule").read([&](Section& section) {
      schedule.fields(section);
    });
    const int64_t total = entry["total"];
    int64_t step = 0;
    for (const Json& expected : entry["lr_used_at_step"]) {
      EXPECT_NEAR(schedule.learning_rate(entry["base_lr"], step++, total), expected.get<double>(),
                  1e-12);
    }
  }
  EXPECT_GE(checked, 30);
}

TEST(OptimGolden, AdamWEqualsTorch) {
  const SafetensorsFile file(golden::fixtures_folder() / "optim" / "steps.safetensors");
  const Json settings = read_json(golden::fixtures_folder() / "optim" / "steps.json");
  for (const Json& entry : settings["optimizers"]) {
    if (entry["optimizer"] != "AdamW" || entry.contains("amsgrad")) continue;
    const std::string name = entry["name"];
    for (const auto& [dtype, label, tolerance] :
         {std::tuple{at::kFloat, ".f32.", 1e-6}, std::tuple{at::kDouble, ".f64.", 1e-12}}) {
      SCOPED_TRACE(name + label);
      at::Tensor value = file.tensor("param").to(dtype).clone();
      at::Tensor gradient;
      FlatParameters parameters({{"w", &value, &gradient, {"all", 1.0, entry["weight_decay"]}}});
      AdamWOptions options;
      options.betas = {entry["betas"][0], entry["betas"][1]};
      options.eps = entry["eps"];
      AdamW optimizer(options, parameters);
      const at::Tensor go_on = at::zeros({}, at::kFloat);
      for (int64_t step = 0; step < entry["steps"].get<int64_t>(); ++step) {
        const at::NoGradGuard no_grad;
        gradient.copy_(file.tensor("grad." + std::to_string(step)));
        optimizer.step(entry["lr"], 0.0, parameters.gradient_norm(), go_on);
        const at::Tensor expected = file.tensor(name + label + "param." + std::to_string(step));
        EXPECT_LT(golden::max_difference(value.detach(), expected), tolerance);
      }
    }
  }
}

TEST(OptimGolden, ClippingScalesByTheGlobalNorm) {
  const SafetensorsFile file(golden::fixtures_folder() / "optim" / "steps.safetensors");
  const Json settings = read_json(golden::fixtures_folder() / "optim" / "steps.json");
  for (const Json& entry : settings["clip"]) {
    const std::string prefix = "clip." + std::to_string(entry["case"].get<int>());
    at::Tensor a = file.tensor(prefix + ".in.0").clone(), b = file.tensor(prefix + ".in.1").clone();
    at::Tensor gradient_a, gradient_b;
    FlatParameters parameters({{"a", &a, &gradient_a, {"one"}}, {"b", &b, &gradient_b, {"other"}}});
    gradient_a.copy_(file.tensor(prefix + ".in.0"));
    gradient_b.copy_(file.tensor(prefix + ".in.1"));
    const at::Tensor norm = parameters.gradient_norm();
    EXPECT_NEAR(norm.item<double>(), entry["norm"].get<double>(), 1e-5);
    AdamW optimizer({}, parameters);
    optimizer.step(0.0, entry["max_norm"], norm, at::zeros({}, at::kFloat));
    // The fused kernel leaves the scaled gradients behind.
    EXPECT_LT(golden::max_difference(gradient_a, file.tensor(prefix + ".out.0")), 1e-6);
    EXPECT_LT(golden::max_difference(gradient_b, file.tensor(prefix + ".out.1")), 1e-6);
  }
}

}  // namespace
}  // namespace distill
