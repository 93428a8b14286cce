// Parameters that objectives have of their own: trained in the run's flat buffers, in their group,
// over all micro-batches of a step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "distill/core/error.h"
#include "distill/teacher/live_teacher.h"
#include "distill/train/train_step.h"
#include "train/parameter_groups.h"
#include "unit/model/tiny_models.h"
#include "unit/objective/make_objective.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<ObjectiveTerm> hidden_states(const std::string& options = "{}") {
  std::vector<ObjectiveTerm> terms;
  terms.push_back({"hidden_mse", make_feature_objective("hidden_mse", options)});
  return terms;
}

/// The models as a plan knows them.
struct Described {
  TransformerConfig student = transformer_config_from_json(tests::tiny_student_json(), "student");
  ModelTaps taps = {tap_shapes(student), tap_shapes(transformer_config_from_json(
                                             tests::tiny_teacher_json(), "teacher"))};

  std::vector<ParameterRef> trainable(const std::vector<ObjectiveTerm>& terms,
                                      const AdamWOptions& optimizer,
                                      const std::vector<std::string>& freeze) const {
    Transformer shapes(student, at::kFloat, at::kMeta);
    ObjectiveParameters own(terms, taps, at::kMeta, 0);
    return trainable_parameters(shapes, own, optimizer, freeze);
  }
};

/// One step on the micro-batches: the state by name, and the report.
struct Outcome {
  std::map<std::string, at::Tensor> state;
  StepReport report;
};

Outcome one_step(const std::vector<Batch>& batches, const std::string& options = "{}",
                 const AdamWOptions& optimizer = {}) {
  Transformer student = tests::make_model(tests::tiny_student_json(), at::kDouble, 1);
  LiveTeacher teacher(tests::make_model(tests::tiny_teacher_json(), at::kDouble, 2));
  LossStep loss(student, &teacher);
  const auto terms = hidden_states(options);
  TrainStep step(student, loss, terms, optimizer, {.max_grad_norm = 0.0, .seed = 7});
  Outcome outcome;
  outcome.report = step.run(batches, 0.01, {0, 1});
  for (const auto& [name, tensor] : step.state()) outcome.state[name] = tensor.clone();
  return outcome;
}

std::vector<Document> documents() {
  return {tests::random_document(9, 1), tests::random_document(5, 2)};
}

TEST(ObjectiveParameters, TrainWithTheStudent) {
  const Outcome outcome = one_step({make_batch(documents())});
  const std::string name = "objective.hidden_mse.projector.0.weight";
  const at::Tensor& moment = outcome.state.at("exp_avg." + name);
  EXPECT_GT(moment.abs().min().item<double>(), 0.0);
  EXPECT_EQ(moment.sizes(), (std::vector<int64_t>{32, 24}));
  EXPECT_TRUE(outcome.report.finite.item<bool>());
}

TEST(ObjectiveParameters, BelongToTheGroupThatMatchesThem) {
  AdamWOptions optimizer;
  optimizer.weight_decay = 0.1;
  optimizer.groups = {{"^objective\\.", 10.0, std::nullopt}};
  const Described models;
  const auto terms = hidden_states();
  // The names, not the pointers: the described models are gone.
  std::vector<std::string> scaled;
  for (const ParameterRef& parameter : models.trainable(terms, optimizer, {})) {
    if (parameter.group.lr_scale == 10.0) {
      scaled.push_back(parameter.name + " " + std::to_string(parameter.group.weight_decay));
    }
  }
  EXPECT_THAT(scaled, ElementsAre("objective.hidden_mse.projector.0.weight 0.100000",
                                  "objective.hidden_mse.projector.0.bias 0.000000"));
  const TrainedPart part = plan_trained_part(models.student, models.taps, terms, optimizer, {});
  EXPECT_EQ(part.own_parameters, 32 * 24 + 32);
  EXPECT_EQ(part.parameters, parameter_count(models.student));
}

TEST(ObjectiveParameters, AreFoundUnderANameWithANumberSign) {
  AdamWOptions optimizer;
  optimizer.groups = {{"projector", 10.0, std::nullopt}};
  std::vector<ObjectiveTerm> terms;
  terms.push_back({"hidden_mse", make_feature_objective("hidden_mse", "{name: 'h#1'}")});
  const Described models;
  EXPECT_NO_THROW(plan_trained_part(models.student, models.taps, terms, optimizer, {}));
}

TEST(ObjectiveParameters, AreNotEnoughToTrain) {
  try {
    Described().trainable(hidden_states(), {}, {"."});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("student.freeze: nothing is left to train"));
  }
}

TEST(LossUnits, MicroBatchesDivideOnceWhateverTheUnit) {
  for (const std::string options : {"{tokens: loss}", "{tokens: all}"}) {
    SCOPED_TRACE(options);
    const std::vector<Document> all = documents();
    const Outcome whole = one_step({make_batch(all)}, options);
    const Outcome parts = one_step({make_batch({all[0]}), make_batch({all[1]})}, options);
    EXPECT_NEAR(whole.report.loss.item<double>(), parts.report.loss.item<double>(), 1e-12);
    for (const auto& [name, tensor] : whole.state) {
      if (!name.starts_with("exp_avg.")) continue;
      const at::Tensor gap = (tensor - parts.state.at(name)).abs().max();
      EXPECT_LT(gap.item<double>(), 1e-12) << name;
    }
  }
}

TEST(LossUnits, AMeanOverTokensCountsThoseWithoutATarget) {
  Document silent = tests::random_document(6, 3);
  silent.is_target.assign(6, false);
  const Batch loud = make_batch(documents()), quiet = make_batch({silent});
  const double of_loud = one_step({loud}, "{tokens: all}").report.loss.item<double>();
  const double of_quiet = one_step({quiet}, "{tokens: all}").report.loss.item<double>();
  const Outcome both = one_step({loud, quiet}, "{tokens: all}");
  EXPECT_NEAR(both.report.loss.item<double>(), (14 * of_loud + 6 * of_quiet) / 20, 1e-12);
  EXPECT_EQ(both.report.tokens, 20);
}

}  // namespace
}  // namespace distill
