#include "distill/eval/fidelity.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "distill/teacher/live_teacher.h"
#include "unit/model/tiny_models.h"

namespace distill {
namespace {

Transformer model_of(int64_t vocabulary, uint64_t seed) {
  Json json = tests::tiny_llama_json();
  json["vocab_size"] = vocabulary;
  return tests::make_model(json, at::kDouble, seed);
}

std::vector<Batch> some_batches() {
  std::vector<Batch> batches;
  for (uint64_t n = 0; n < 3; ++n) {
    batches.push_back(
        make_batch({tests::random_document(9, n), tests::random_document(5, n + 10)}));
  }
  return batches;
}

template <typename Batches>
Fidelity measured(const Transformer& student, Teacher* teacher, const Batches& batches,
                  const MeasuredLoss& loss = {}) {
  LossStep step(student, teacher);
  return measure_fidelity(step, batches, loss);
}

/// Means over all loss tokens, the long way.
struct Plain {
  double student_nll = 0, teacher_nll = 0, forward_kl = 0, reverse_kl = 0, agreement = 0;
};

Plain measured_plainly(const Transformer& student, const Transformer& teacher,
                       const std::vector<Batch>& batches) {
  const at::NoGradGuard no_grad;
  Plain sums;
  double tokens = 0;
  for (const Batch& batch : batches) {
    const auto logits = [&](const Transformer& model) {
      return model.head().logits(model.forward(batch).hidden.index_select(0, batch.loss_rows));
    };
    const at::Tensor s = logits(student), t = logits(teacher);
    const at::Tensor targets = batch.targets.index_select(0, batch.loss_rows);
    const int64_t common = std::min(s.size(1), t.size(1));
    const at::Tensor p = s.narrow(1, 0, common).log_softmax(1);
    const at::Tensor q = t.narrow(1, 0, common).log_softmax(1);
    const auto nll = [&](const at::Tensor& x) {
      return -x.log_softmax(1).gather(1, targets.unsqueeze(1)).sum().item<double>();
    };
    sums.student_nll += nll(s);
    sums.teacher_nll += nll(t);
    sums.forward_kl += (q.exp() * (q - p)).sum().item<double>();
    sums.reverse_kl += (p.exp() * (p - q)).sum().item<double>();
    sums.agreement += static_cast<double>(p.argmax(1).eq(q.argmax(1)).sum().item<int64_t>());
    tokens += static_cast<double>(targets.size(0));
  }
  for (double* sum : {&sums.student_nll, &sums.teacher_nll, &sums.forward_kl, &sums.reverse_kl,
                      &sums.agreement}) {
    *sum /= tokens;
  }
  return sums;
}

TEST(MeasureFidelity, EqualsThePlainComputation) {
  const std::vector<Batch> batches = some_batches();
  for (const int64_t teacher_vocabulary : {61, 64}) {
    const Transformer student = model_of(64, 1);
    LiveTeacher teacher(model_of(teacher_vocabulary, 2));
    const Fidelity fidelity = measured(student, &teacher, batches);
    const Plain plain = measured_plainly(student, teacher.model(), batches);
    EXPECT_EQ(fidelity.tokens, 36);
    EXPECT_NEAR(fidelity.student_nll, plain.student_nll, 1e-12);
    EXPECT_NEAR(*fidelity.teacher_nll, plain.teacher_nll, 1e-12);
    EXPECT_NEAR(*fidelity.forward_kl, plain.forward_kl, 1e-12);
    EXPECT_NEAR(*fidelity.reverse_kl, plain.reverse_kl, 1e-12);
    EXPECT_NEAR(*fidelity.agreement, plain.agreement, 1e-12);
    EXPECT_FALSE(fidelity.loss);
  }
}

TEST(MeasureFidelity, MeasuresTheLossOfGivenObjectives) {
  const Transformer student = model_of(61, 1);
  LiveTeacher teacher(model_of(61, 2));
  const auto reverse_kl = logit_objectives().create("reverse_kl");
  const auto adaptive_kl = logit_objectives().create("adaptive_kl");  // not known to the kernel
  const auto cross_entropy = logit_objectives().create("cross_entropy");
  const auto loss = [&](const std::vector<LossTerm>& terms) {
    return *measured(student, &teacher, some_batches(), {terms, {}}).loss;
  };
  const Fidelity fidelity = measured(student, &teacher, some_batches());
  EXPECT_NEAR(loss({{cross_entropy.get(), 0.5}, {reverse_kl.get(), 2.0}}),
              0.5 * fidelity.student_nll + 2.0 * *fidelity.reverse_kl, 1e-12);
  const double adaptive = loss({{adaptive_kl.get(), 1.0}});
  EXPECT_GT(adaptive, std::min(*fidelity.forward_kl, *fidelity.reverse_kl) / 2);
  EXPECT_NEAR(loss({{adaptive_kl.get(), 0.5}, {cross_entropy.get(), 1.0}}),
              0.5 * adaptive + fidelity.student_nll, 1e-12);
}

TEST(MeasureFidelity, WithoutATeacherOnlyTheTextIsMeasured) {
  const Fidelity fidelity = measured(model_of(61, 1), nullptr, some_batches());
  EXPECT_GT(fidelity.student_nll, 0.0);
  EXPECT_FALSE(fidelity.teacher_nll || fidelity.forward_kl || fidelity.agreement);
}

TEST(MeasureFidelity, RefusesDataWithoutALossToken) {
  EXPECT_THROW(measured(model_of(61, 1), nullptr, std::vector<Batch>{}), DataError);
}

}  // namespace
}  // namespace distill
