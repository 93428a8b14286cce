// Random-sampling distillation: its mean is forward KL, its draws belong to rows, seeds and steps.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "distill/core/error.h"
#include "distill/core/random.h"
#include "make_objective.h"
#include "objective/row_random.h"

namespace distill {
namespace {

constexpr int64_t kRows = 3, kStudent = 9, kTeacher = 7;

LogitRows make_rows() {
  at::manual_seed(5);
  LogitRows rows;
  rows.student = at::randn({kRows, kStudent}, at::kDouble);
  rows.teacher = at::randn({kRows, kTeacher}, at::kDouble) * 2;
  rows.targets = at::zeros({kRows}, at::kLong);
  rows.keys = at::tensor({int64_t{17}, int64_t{-4}, std::numeric_limits<int64_t>::max()});
  return rows;
}

/// The sum and its gradient in one: [1 + R * V].
at::Tensor run(const LogitObjective& objective, LogitRows rows, const StepContext& context = {}) {
  rows.student = rows.student.detach().clone().requires_grad_(true);
  const at::Tensor sum = objective.sum(rows, context);
  const at::Tensor gradient = torch::autograd::grad({sum}, {rows.student})[0];
  return at::cat({sum.detach().view(1), gradient.view(-1)});
}

at::Tensor gradient(const LogitObjective& objective, const LogitRows& rows) {
  return run(objective, rows).slice(0, 1).view_as(rows.student);
}

/// Copies of the rows, each row with a key of its own.
LogitRows copies_of(const LogitRows& rows, int64_t copies) {
  LogitRows made;
  made.student = rows.student.repeat({copies, 1});
  made.teacher = rows.teacher.repeat({copies, 1});
  made.keys = at::arange(copies * kRows);
  return made;
}

/// The sum and its gradient [R, V], a copy's share of them, in one row.
at::Tensor mean_over_copies(const LogitObjective& objective, const LogitRows& rows,
                            const StepContext& context) {
  constexpr int64_t kCopies = 200;
  const at::Tensor all = run(objective, copies_of(rows, kCopies), context);
  const at::Tensor gradients = all.slice(0, 1).view({kCopies, -1}).sum(0);
  return at::cat({all.slice(0, 0, 1), gradients}) / kCopies;
}

void expect_unbiased(const std::string& options, const std::string& temperature) {
  SCOPED_TRACE(options);
  const LogitRows rows = make_rows();
  const at::Tensor expected = run(*make_objective("forward_kl", temperature), rows);
  const auto sampled = make_objective("sampled_forward_kl", options);
  std::vector<at::Tensor> drawn;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    drawn.push_back(mean_over_copies(*sampled, rows, {.seed = seed}));
  }
  const at::Tensor all = at::stack(drawn);
  const at::Tensor error = all.std(0) / std::sqrt(double(drawn.size()));
  const at::Tensor apart = (all.mean(0) - expected).abs() - 4 * error;
  EXPECT_LT(apart.max().item<double>(), 1e-9);
  EXPECT_LT(error.max().item<double>(), 0.02 * expected.abs().max().item<double>());
}

TEST(SampledForwardKl, ItsMeanIsForwardKlInValueAndGradient) {
  expect_unbiased("{samples: 5}", "{}");
  expect_unbiased("{samples: 5, proposal_temperature: 2}", "{}");
  expect_unbiased("{samples: 5, proposal_temperature: 2, temperature: 2}", "{temperature: 2}");
}

TEST(SampledForwardKl, ManySamplesAreForwardKl) {
  const LogitRows rows = make_rows();
  const at::Tensor expected = run(*make_objective("forward_kl"), rows);
  const at::Tensor got = run(*make_objective("sampled_forward_kl", "{samples: 1000000}"), rows);
  EXPECT_LT((got - expected).abs().max().item<double>(), 0.01);
}

TEST(SampledForwardKl, DrawsBelongToRowsAndNotToTheirPlaces) {
  const LogitRows rows = make_rows();
  const auto objective = make_objective("sampled_forward_kl", "{samples: 6}");
  const at::Tensor whole = gradient(*objective, rows);
  for (const int64_t row : {2, 0, 1}) {
    const at::Tensor chosen = at::tensor({row, int64_t{1}});
    LogitRows part;
    part.student = rows.student.index_select(0, chosen);
    part.teacher = rows.teacher.index_select(0, chosen);
    part.keys = rows.keys.index_select(0, chosen);
    EXPECT_TRUE(gradient(*objective, part).equal(whole.index_select(0, chosen)));
  }
}

TEST(SampledForwardKl, DrawsFollowSeedDrawAndName) {
  const LogitRows rows = make_rows();
  const auto objective = make_objective("sampled_forward_kl");
  const auto named = make_objective("sampled_forward_kl", "{name: second}");
  const at::Tensor first = run(*objective, rows, {.seed = 8, .draw = 3});
  EXPECT_TRUE(run(*objective, rows, {.step = 7, .seed = 8, .draw = 3}).equal(first));
  EXPECT_FALSE(run(*objective, rows, {.seed = 8, .draw = 4}).equal(first));
  EXPECT_FALSE(run(*objective, rows, {.seed = 9, .draw = 3}).equal(first));
  EXPECT_FALSE(run(*named, rows, {.seed = 8, .draw = 3}).equal(first));
}

TEST(SampledForwardKl, AStoredSampleGivesTheMeanOverItsWeights) {
  const LogitRows rows = make_rows();
  LogitRows stored = rows;
  stored.teacher = at::Tensor();
  // Every token once, with its probability for a weight: the whole forward KL.
  const at::Tensor log_q = rows.teacher.log_softmax(-1);
  stored.sparse = {at::arange(kTeacher).expand({kRows, kTeacher}), log_q, kTeacher, log_q.exp()};
  const at::Tensor got = run(*make_objective("sampled_forward_kl"), stored);
  EXPECT_LT((got - run(*make_objective("forward_kl"), rows)).abs().max().item<double>(), 1e-12);
  EXPECT_THROW(make_objective("sampled_forward_kl", "{temperature: 2}")->sum(stored, {}), Error);
  EXPECT_THROW(make_objective("forward_kl", "{top_k: 4}")->sum(stored, {}), Error);
  EXPECT_TRUE(make_objective("sampled_forward_kl")->row_needs().teacher_sample);
  EXPECT_TRUE(make_objective("sampled_forward_kl", "{temperature: 2}")->row_needs().teacher_logits);
}

TEST(SampledForwardKl, RuledOutTokensAreNeverDrawn) {
  LogitRows rows = make_rows();
  for (const int64_t token : {0, 3, 6}) {
    rows.student.select(1, token).fill_(-INFINITY);
    rows.teacher.select(1, token).fill_(-INFINITY);
  }
  const LogitRows many = copies_of(rows, 500);
  for (const std::string options : {"{}", "{proposal_temperature: 4}"}) {
    const auto objective = make_objective("sampled_forward_kl", options);
    EXPECT_TRUE(run(*objective, many).isfinite().all().item<bool>());
  }
}

TEST(SampledForwardKl, AnEqualStudentCostsNothing) {
  LogitRows rows = make_rows();
  rows.teacher = rows.student;
  const auto objective = make_objective("sampled_forward_kl", "{proposal_temperature: 2}");
  EXPECT_EQ(objective->sum(rows, {}).item<double>(), 0.0);
}

TEST(RowRandom, IsSplitMix64) {
  const uint64_t states[] = {0, 1, 0x8000000000000000u, 0xfedcba9876543210u};
  for (const uint64_t state : states) {
    const at::Tensor got = split_mix(at::tensor({static_cast<int64_t>(state)}));
    EXPECT_EQ(static_cast<uint64_t>(got.item<int64_t>()), Random(state).next());
  }
}

TEST(RowRandom, IsUniform) {
  constexpr int64_t kKeys = 200, kDraws = 500;
  const at::Tensor drawn = row_uniforms(42, at::arange(kKeys), kDraws);
  EXPECT_GE(drawn.min().item<double>(), 0.0);
  EXPECT_LT(drawn.max().item<double>(), 1.0);
  EXPECT_NEAR(drawn.mean().item<double>(), 0.5, 4 * std::sqrt(1.0 / 12 / kKeys / kDraws));
  const at::Tensor counts = at::histc(drawn, 100, 0, 1);
  const double expected = double(kKeys * kDraws) / 100;
  const double chi_square = ((counts - expected).square() / expected).sum().item<double>();
  EXPECT_NEAR(chi_square, 99, 4 * std::sqrt(2.0 * 99));
  const at::Tensor deviation = drawn - 0.5;
  for (const int64_t dimension : {0, 1}) {  // neighbours are not correlated
    const int64_t length = deviation.size(dimension) - 1;
    const at::Tensor product =
        deviation.narrow(dimension, 0, length) * deviation.narrow(dimension, 1, length);
    EXPECT_LT(std::abs(product.mean().item<double>()), 4.0 / 12 / std::sqrt(kKeys * kDraws));
  }
}

}  // namespace
}  // namespace distill
