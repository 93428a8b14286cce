#include "distill/loss/loss_step.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distill/teacher/live_teacher.h"
#include "unit/model/tiny_models.h"

namespace distill {
namespace {

Transformer student_model() { return tests::make_model(tests::tiny_llama_json(), at::kDouble, 1); }

Batch some_batch() {
  return make_batch({tests::random_document(9, 1), tests::random_document(5, 2)});
}

/// Counts what it is asked, and answers as a live one.
class Counting final : public Teacher {
 public:
  Offers offers() const override { return live_.offers(); }
  TeacherAnswer answer(const Batch& batch, const Needs& needs) override {
    ++answered;
    return live_.answer(batch, needs);
  }
  void expect(const Batch&, const Needs& needs) override {
    ++expected;
    EXPECT_TRUE(needs.teacher());
  }

  int answered = 0, expected = 0;

 private:
  LiveTeacher live_{tests::make_model(tests::tiny_llama_json(), at::kDouble, 2)};
};

class LossStepTest : public testing::Test {
 protected:
  LossTerm cross_entropy(double scale = 1.0) const { return {cross_entropy_.get(), scale}; }
  LossTerm forward_kl(double scale = 1.0) const { return {forward_kl_.get(), scale}; }

  std::unique_ptr<LogitObjective> cross_entropy_ = logit_objectives().create("cross_entropy");
  std::unique_ptr<LogitObjective> forward_kl_ = logit_objectives().create("forward_kl");
};

TEST_F(LossStepTest, MeasuresInEvaluationWhatTrainingMinimises) {
  Json json = tests::tiny_llama_json();
  json["attention_dropout"] = 0.0;
  Transformer student = tests::make_model(json, at::kDouble, 1);
  student.visit([](const std::string&, Parameter& parameter, bool) {
    parameter.value.set_requires_grad(true);
  });
  Counting teacher;
  LossStep step(student, &teacher);
  Batch batch = some_batch();
  batch.weights = at::linspace(0, 2, batch.loss_token_count(), at::kFloat);
  const std::vector<LossTerm> terms = {cross_entropy(0.5), forward_kl(2.0)};
  const auto trained = step.add(batch, terms, {}, {.want_gradients = true}).sums;
  const auto measured = step.add(batch, terms, {}).sums;
  batch.weights = at::Tensor();
  const auto unweighted = step.add(batch, terms, {}).sums;
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(trained[i].item<double>(), measured[i].item<double>(), 1e-12);
    EXPECT_GT(std::abs(measured[i].item<double>() - unweighted[i].item<double>()), 1e-3);
  }
  EXPECT_TRUE(student.modules().final_norm.weight.value.grad().defined());
}

TEST_F(LossStepTest, RowWeightsAreATermsOwnChoice) {
  const Transformer student = student_model();
  LossStep step(student, nullptr);
  Batch batch = some_batch();
  const double plain = step.add(batch, {cross_entropy()}, {}).sums[0].item<double>();
  batch.weights = at::zeros({batch.loss_token_count()}, at::kFloat);
  LossTerm unweighted = cross_entropy();
  unweighted.row_weights = false;
  const auto sums = step.add(batch, {cross_entropy(), unweighted}, {}).sums;
  EXPECT_EQ(sums[0].item<double>(), 0.0);
  EXPECT_NEAR(sums[1].item<double>(), plain, 1e-12);
}

TEST_F(LossStepTest, ATeacherIsAskedOnlyForWhatIsNeeded) {
  const Transformer student = student_model();
  Counting teacher;
  LossStep step(student, &teacher);
  const std::vector<Batch> batches = {some_batch(), some_batch()};
  step.expect(batches, {cross_entropy()});
  step.add(batches[0], {cross_entropy()}, {});
  EXPECT_EQ(teacher.expected + teacher.answered, 0);
  step.expect(batches, {cross_entropy(), forward_kl()});
  step.add(batches[0], {cross_entropy(), forward_kl()}, {});
  EXPECT_EQ(teacher.expected, 2);
  EXPECT_EQ(teacher.answered, 1);
}

TEST(LiveTeacher, OffersAllAndAnswersTaps) {
  LiveTeacher teacher(student_model());
  Needs needs;
  needs.teacher_taps = {{Tap::Kind::kHidden, 0},
                        {Tap::Kind::kHidden, 3},
                        {Tap::Kind::kQuery, 0},
                        {Tap::Kind::kKey, 2},
                        {Tap::Kind::kValue, 2}};
  EXPECT_TRUE(unmet_needs(needs, teacher.offers()).empty());
  const Batch batch = some_batch();
  const TeacherAnswer answer = teacher.answer(batch, needs);
  ASSERT_EQ(answer.taps.size(), 5U);
  for (const auto& [tap, value] : answer.taps) {
    EXPECT_EQ(value.size(0), batch.token_count()) << tap_name(tap);
    EXPECT_FALSE(value.requires_grad());
  }
  needs.teacher_taps.insert({{Tap::Kind::kHidden, 4}, {Tap::Kind::kKey, 3}});
  EXPECT_EQ(unmet_needs(needs, teacher.offers()),
            (std::vector<std::string>{"the hidden state of layer 4", "the keys of layer 3"}));
}

}  // namespace
}  // namespace distill
