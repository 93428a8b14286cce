// The 20-step reference distillation: unequal micro-batches, clipping, warm-up, weight decay.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distill/config/config_file.h"
#include "distill/io/json.h"
#include "distill/io/safetensors.h"
#include "distill/model/loading.h"
#include "distill/teacher/live_teacher.h"
#include "distill/train/run_config.h"
#include "distill/train/train_step.h"
#include "support/fixtures.h"

namespace distill {
namespace {

/// The settings of expected.json as objectives, optimizer and schedule.
struct Reference {
  explicit Reference(at::ScalarType dtype)
      : expected(read_json(golden::fixtures_folder() / "train" / "expected.json")),
        student(load_transformer(golden::fixtures_folder() / expected["student"].get<std::string>(),
                                 dtype, at::kCPU)),
        teacher(load_transformer(golden::fixtures_folder() / expected["teacher"].get<std::string>(),
                                 dtype, at::kCPU)) {
    const Json& s = expected["settings"];
    const std::string yaml =
        "objective:\n  - {type: cross_entropy, weight: " + s["ce_weight"].dump() +
        "}\n  - {type: forward_kl, weight: " + s["kd_weight"].dump() +
        ", temperature: " + s["T"].dump() + "}\noptimizer: {learning_rate: " + s["lr"].dump() +
        ", weight_decay: " + s["wd"].dump() +
        "}\nlr_scheduler: {type: cosine, warmup_ratio: " + s["warmup"].dump() +
        "}\ntrain: {max_grad_norm: " + s["clip"].dump() + "}\n";
    ConfigFile::parse(yaml, "train_golden_test").read([this](Section& section) {
      section.variant_list("objective", config.objective, objectives(), {});
      section.section("optimizer", config.optimizer, {});
      section.section("lr_scheduler", config.lr_scheduler, {});
      section.section("train", config.train, {});
    });
  }

  TrainStep make_step() {
    return TrainStep(student, loss, config.objective, config.optimizer,
                     {config.train.max_grad_norm, false});
  }

  Json expected;
  Transformer student;
  LiveTeacher teacher;
  LossStep loss{student, &teacher};
  RunConfig config;
};

struct Tolerance {
  double loss, norm, weights;
};

void run_reference(at::ScalarType dtype, const char* steps_key, const char* final_name,
                   const Tolerance& tolerance) {
  Reference reference(dtype);
  TrainStep step = reference.make_step();
  const Json batches = read_json(golden::fixtures_folder() / "train" / "batches.json");
  const int64_t total = reference.expected["settings"]["steps"];
  for (int64_t i = 0; i < total; ++i) {
    SCOPED_TRACE("step " + std::to_string(i));
    std::vector<Batch> micro_batches;
    for (const Json& padded : batches["steps"][static_cast<size_t>(i)]) {
      micro_batches.push_back(make_batch(golden::read_rows(padded)));
    }
    const double rate = reference.config.lr_scheduler.learning_rate(
        reference.config.optimizer.learning_rate, i, total);
    const StepReport report = step.run(micro_batches, rate, {i, total});
    const Json& expected = reference.expected[steps_key][static_cast<size_t>(i)];
    EXPECT_NEAR(rate, expected["lr"].get<double>(), 1e-12);
    EXPECT_EQ(report.loss_tokens, expected["loss_tokens"].get<int64_t>());
    EXPECT_NEAR(report.loss.item<double>(), expected["loss"].get<double>(), tolerance.loss);
    EXPECT_NEAR(report.terms[0].item<double>(), expected["ce"].get<double>(), tolerance.loss);
    EXPECT_NEAR(report.terms[1].item<double>(), expected["kl_times_T2"].get<double>(),
                tolerance.loss);
    EXPECT_NEAR(report.grad_norm.item<double>() / expected["grad_norm"].get<double>(), 1.0,
                tolerance.norm);
  }
  const SafetensorsFile final_weights(golden::fixtures_folder() / "train" / final_name);
  for (const auto& [name, tensor] :
       checkpoint_tensors(reference.student, [](const Parameter& p) { return p.value.detach(); })) {
    EXPECT_LT(golden::max_difference(tensor, final_weights.tensor(name)), tolerance.weights)
        << name;
  }
}

TEST(TrainGolden, TwentyStepsInFp32) {
  run_reference(at::kFloat, "steps_fp32", "final.safetensors", {1e-5, 1e-4, 1e-4});
}

// The fp64 reference still has transformers' fp32 norms and rotary tables inside.
TEST(TrainGolden, TwentyStepsInFp64) {
  run_reference(at::kDouble, "steps_fp64", "final_fp64.safetensors", {1e-6, 1e-6, 1e-5});
}

TEST(TrainGolden, PackedDocumentsGiveTheGradientsOfSeparateRows) {
  Reference reference(at::kFloat);
  const Json packing = read_json(golden::fixtures_folder() / "train" / "packing.json");
  reference.config.train.max_grad_norm = 0.0;
  TrainStep step = reference.make_step();
  const StepReport report =
      step.run({make_batch(golden::read_rows(packing["separate"]))}, 0.0, {0, 1});
  EXPECT_EQ(report.loss_tokens, packing["loss_tokens"].get<int64_t>());
  EXPECT_NEAR(report.loss.item<double>(), packing["loss"].get<double>(), 1e-5);
  const SafetensorsFile expected(golden::fixtures_folder() / "train" / "packing_grads.safetensors");
  for (const auto& [name, tensor] :
       checkpoint_tensors(reference.student, [](const Parameter& p) { return p.gradient; })) {
    EXPECT_LT(golden::relative_difference(tensor, expected.tensor(name)), 1e-4) << name;
  }
}

}  // namespace
}  // namespace distill
