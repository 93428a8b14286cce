// Terms over inner values in a loss step: alone, beside terms over logits, with parameters of their
// own.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "distill/loss/objective_parameters.h"
#include "distill/teacher/live_teacher.h"
#include "unit/model/tiny_models.h"
#include "unit/objective/make_objective.h"

namespace distill {
namespace {

using Gradients = std::map<std::string, at::Tensor>;

class FeatureLoss : public testing::Test {
 protected:
  FeatureLoss() {
    student_.visit([](const std::string&, Parameter& parameter, bool) {
      parameter.value.set_requires_grad(true);
    });
    Parameter& head = student_.modules().head.weight;
    head.gradient = at::zeros_like(head.value);
  }

  void add_term(std::unique_ptr<Objective> objective, const std::string& type) {
    terms_.push_back({type, std::move(objective)});
  }
  void add_hidden(const std::string& options = "{}") {
    add_term(make_feature_objective("hidden_mse", options), "hidden_mse");
  }

  void make_parameters() {
    parameters_.emplace(terms_, step_.models(), at::kDouble, 7);
    parameters_->visit([](const std::string&, Parameter& parameter, bool) {
      parameter.value.set_requires_grad(true);
    });
  }

  std::vector<LossTerm> terms() { return loss_terms(terms_, *parameters_, {}); }

  LossResult run(const LossOptions& options = {}) {
    return step_.add(batch_, terms(), {}, options);
  }

  /// Of everything that trains, and gone from it.
  Gradients take_gradients() {
    Gradients gradients;
    const auto take = [&](const std::string& name, Parameter& parameter, bool) {
      const bool of_head = parameter.gradient.defined();
      gradients[name] = of_head ? parameter.gradient.clone() : parameter.value.grad();
      if (of_head) parameter.gradient.zero_();
      parameter.value.mutable_grad() = at::Tensor();
    };
    student_.visit(take);
    parameters_->visit(take);
    return gradients;
  }

  Transformer student_ = tests::make_model(tests::tiny_student_json(), at::kDouble, 1);
  LiveTeacher teacher_{tests::make_model(tests::tiny_teacher_json(), at::kDouble, 2)};
  LossStep step_{student_, &teacher_};
  std::vector<ObjectiveTerm> terms_;
  std::optional<ObjectiveParameters> parameters_;
  Batch batch_ = make_batch({tests::random_document(9, 1), tests::random_document(5, 2)});
};

TEST_F(FeatureLoss, GradientsOfModelAndProjectorEqualDifferences) {
  add_hidden("{layers: [{student: 1, teacher: 2}, {student: 3, teacher: 4, weight: 0.5}]}");
  make_parameters();
  run({.want_gradients = true});
  const Gradients gradients = take_gradients();
  const auto check = [&](const at::Tensor& value, const at::Tensor& gradient) {
    constexpr double kStep = 1e-6;
    const at::Tensor flat = value.detach().view(-1);
    for (const int64_t i : {int64_t{0}, flat.numel() / 2}) {
      const double before = flat[i].item<double>();
      flat[i].fill_(before + kStep);
      const double up = run().sums[0].item<double>();
      flat[i].fill_(before - kStep);
      const double down = run().sums[0].item<double>();
      flat[i].fill_(before);
      const double expected = (up - down) / (2 * kStep);
      EXPECT_NEAR(gradient.view(-1)[i].item<double>(), expected,
                  1e-6 * std::max(1.0, std::abs(expected)));
    }
  };
  check(student_.modules().blocks[0].mlp.up.weight.value,
        gradients.at("model.layers.0.mlp.up_proj.weight"));
  check(student_.modules().blocks[2].attention.query.weight.value,
        gradients.at("model.layers.2.self_attn.q_proj.weight"));
  ASSERT_EQ(parameters_->of(0).size(), 4U);
  check(parameters_->of(0)[0].value, gradients.at("objective.hidden_mse.projector.0.weight"));
  check(parameters_->of(0)[3].value, gradients.at("objective.hidden_mse.projector.1.bias"));
  EXPECT_EQ(gradients.at("lm_head.weight").abs().max().item<double>(), 0.0)
      << "the head was run for nobody";
}

TEST_F(FeatureLoss, TermsOfBothKindsAddUp) {
  add_term(make_objective("cross_entropy", "{weight: 0.3}"), "cross_entropy");
  add_hidden("{weight: 2}");
  add_term(make_objective("forward_kl"), "forward_kl");
  make_parameters();
  const LossResult together = run({.want_gradients = true});
  const Gradients sum = take_gradients();
  Gradients added;
  for (size_t i = 0; i < terms_.size(); ++i) {
    const LossResult alone = step_.add(batch_, {terms()[i]}, {}, {.want_gradients = true});
    EXPECT_NEAR(alone.sums[0].item<double>(), together.sums[i].item<double>(), 1e-9);
    for (const auto& [name, gradient] : take_gradients()) {
      if (!gradient.defined()) continue;
      at::Tensor& total = added[name];
      total = total.defined() ? total + gradient : gradient;
    }
  }
  for (const auto& [name, gradient] : sum) {
    ASSERT_TRUE(gradient.defined()) << name;
    EXPECT_LT((gradient - added.at(name)).abs().max().item<double>(), 1e-9) << name;
  }
}

TEST_F(FeatureLoss, CheckpointedBlocksChangeNoBit) {
  add_hidden("{layers: [{student: 0, teacher: 0}, {student: 2, teacher: 3}]}");
  add_term(make_objective("forward_kl"), "forward_kl");
  make_parameters();
  const LossResult plain = run({.want_gradients = true});
  const Gradients expected = take_gradients();
  const LossResult again = run({.want_gradients = true, .gradient_checkpointing = true});
  for (size_t i = 0; i < terms_.size(); ++i) EXPECT_TRUE(at::equal(plain.sums[i], again.sums[i]));
  for (const auto& [name, gradient] : take_gradients()) {
    EXPECT_TRUE(at::equal(gradient, expected.at(name))) << name;
  }
}

TEST_F(FeatureLoss, RowLossesAreThoseOfTheTermsOverLogits) {
  add_term(make_objective("cross_entropy"), "cross_entropy");
  add_hidden();
  add_term(make_objective("adaptive_kl", "{temperature: 2}"), "adaptive_kl");
  make_parameters();
  batch_.weights = at::linspace(0, 2, batch_.loss_token_count(), at::kFloat);
  for (const bool gradients : {false, true}) {
    const LossResult result = run({.want_gradients = gradients, .want_row_losses = true});
    ASSERT_EQ(result.row_losses.size(), 3U);
    EXPECT_FALSE(result.row_losses[1].defined());
    for (const size_t i : {size_t{0}, size_t{2}}) {
      const at::Tensor& rows = result.row_losses[i];
      ASSERT_EQ(rows.sizes(), batch_.weights.sizes());
      EXPECT_EQ(rows[0].item<double>(), 0.0) << "its weight is 0";
      EXPECT_NEAR((rows * batch_.weights).sum().item<double>(), result.sums[i].item<double>(),
                  1e-9);
    }
  }
  EXPECT_TRUE(run().row_losses.empty());
}

TEST_F(FeatureLoss, ABatchWithoutATargetStillHasTokens) {
  add_term(make_objective("cross_entropy"), "cross_entropy");
  make_parameters();
  Document silent = tests::random_document(6, 3);
  silent.is_target.assign(6, false);
  batch_ = make_batch({silent});
  EXPECT_EQ(run({.want_gradients = true}).sums[0].item<double>(), 0.0);
  EXPECT_FALSE(take_gradients().at("model.norm.weight").defined()) << "a model was run for nobody";
  add_hidden("{tokens: all}");
  make_parameters();
  const LossResult result = run({.want_gradients = true});
  EXPECT_EQ(result.sums[0].item<double>(), 0.0);
  EXPECT_GT(result.sums[1].item<double>(), 0.0);
}

TEST_F(FeatureLoss, ATermMayHaveRowWeightsOfItsOwn) {
  add_term(make_objective("cross_entropy"), "cross_entropy");
  add_term(make_objective("forward_kl"), "forward_kl");
  make_parameters();
  const LossResult plain = run({.want_row_losses = true});
  const at::Tensor advantages = at::linspace(-1, 1, batch_.loss_token_count(), at::kFloat);
  std::vector<LossTerm> weighted = terms();
  weighted[0].weights = advantages;
  const LossResult result = step_.add(batch_, weighted, {});
  EXPECT_NEAR(result.sums[0].item<double>(),
              (plain.row_losses[0] * advantages).sum().item<double>(), 1e-9);
  EXPECT_NEAR(result.sums[1].item<double>(), plain.sums[1].item<double>(), 1e-12);
}

TEST_F(FeatureLoss, RowLossesOfNoRowsAreEmpty) {
  add_term(make_objective("cross_entropy"), "cross_entropy");
  add_hidden("{tokens: all}");
  make_parameters();
  Document silent = tests::random_document(6, 3);
  silent.is_target.assign(6, false);
  batch_ = make_batch({silent});
  const LossResult with_tokens = run({.want_row_losses = true});
  EXPECT_EQ(with_tokens.row_losses.at(0).numel(), 0);
  EXPECT_FALSE(with_tokens.row_losses.at(1).defined());
  const LossResult without = step_.add(batch_, {terms()[0]}, {}, {.want_row_losses = true});
  EXPECT_EQ(without.row_losses.at(0).numel(), 0);
}

TEST_F(FeatureLoss, ThePairsOfLayersMayWeighMoreOrLessOverTheRun) {
  add_hidden("{layers: [{student: 1, teacher: 2, weight: {from: 1, to: 3}}]}");
  make_parameters();
  const auto at_step = [&](int64_t step) {
    return step_.add(batch_, terms(), {step, 10}).sums[0].item<double>();
  };
  EXPECT_NEAR(at_step(10), 3 * at_step(0), 1e-9);
}

TEST_F(FeatureLoss, ATeacherOfHiddenStatesAloneRunsNoHead) {
  add_hidden();
  make_parameters();
  const TeacherAnswer answer = teacher_.answer(batch_, terms_[0].value->needs(step_.models()));
  EXPECT_FALSE(answer.rows.defined());
  EXPECT_EQ(answer.taps.size(), 1U);
}

TEST_F(FeatureLoss, ParametersComeFromTheSeed) {
  add_hidden();
  make_parameters();
  const at::Tensor first = parameters_->of(0)[0].value.detach().clone();
  make_parameters();
  EXPECT_TRUE(at::equal(first, parameters_->of(0)[0].value));
  EXPECT_LE(first.abs().max().item<double>(), 1 / std::sqrt(24.0));
  EXPECT_GT(first.abs().max().item<double>(), 0.9 / std::sqrt(24.0));
  const ObjectiveParameters other(terms_, step_.models(), at::kDouble, 8);
  EXPECT_FALSE(at::equal(first, other.of(0)[0].value));
  const ObjectiveParameters narrow(terms_, step_.models(), at::kBFloat16, 7);
  EXPECT_TRUE(at::equal(first.to(at::kBFloat16), narrow.of(0)[0].value));
}

}  // namespace
}  // namespace distill
