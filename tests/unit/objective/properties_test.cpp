// What must hold for every registered objective.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "distill/objective/head_step.h"
#include "distill/objective/logit_objective.h"
#include "make_objective.h"
#include "offering.h"

namespace distill {
namespace {

constexpr int64_t kRows = 7, kStudent = 11, kTeacher = 9;

LogitRows make_rows(int64_t rows = kRows) {
  at::manual_seed(7);
  LogitRows made;
  made.student = at::randn({rows, kStudent}, at::kDouble) * 2;
  made.teacher = at::randn({rows, kTeacher}, at::kDouble) * 2;
  made.targets = at::randint(0, kStudent, {rows}, at::kLong);
  made.keys = at::arange(rows, at::kLong);
  return made;
}

double value(const LogitObjective& objective, const LogitRows& rows) {
  return objective.sum(rows, {}).item<double>();
}

at::Tensor gradient(const LogitObjective& objective, LogitRows rows) {
  rows.student = rows.student.detach().clone().requires_grad_(true);
  rows.teacher = rows.teacher.detach().clone().requires_grad_(true);
  const at::Tensor sum = objective.sum(rows, {});
  torch::autograd::backward({sum}, {});
  EXPECT_FALSE(rows.teacher.grad().defined()) << "a gradient reached the teacher";
  return rows.student.grad();
}

/// A registered objective with options.
struct Configured {
  std::string name, type, options = "{}";
};
void PrintTo(const Configured& configured, std::ostream* out) {
  *out << configured.type << configured.options;
}

class EveryObjective : public testing::TestWithParam<Configured> {
 protected:
  std::unique_ptr<LogitObjective> objective_ = make_objective(GetParam().type, GetParam().options);
};

TEST_P(EveryObjective, GradientEqualsCentralDifferences) {
  if (GetParam().type == "adaptive_kl")
    GTEST_SKIP() << "its weights carry no gradient: golden test";
  const LogitRows rows = make_rows();
  const at::Tensor analytic = gradient(*objective_, rows);
  constexpr double kStep = 1e-5;
  for (int64_t i = 0; i < rows.student.numel(); ++i) {
    LogitRows up = rows, down = rows;
    up.student = rows.student.clone();
    up.student.view(-1)[i] += kStep;
    down.student = rows.student.clone();
    down.student.view(-1)[i] -= kStep;
    const double numeric = (value(*objective_, up) - value(*objective_, down)) / (2 * kStep);
    EXPECT_NEAR(analytic.view(-1)[i].item<double>(), numeric, 1e-7);
  }
}

TEST_P(EveryObjective, DivergenceIsZeroWhenStudentEqualsTeacher) {
  if (!objective_->is_divergence()) GTEST_SKIP() << "not a divergence";
  LogitRows rows = make_rows();
  EXPECT_GT(value(*objective_, rows), 0.1);
  rows.teacher = rows.student;
  EXPECT_NEAR(value(*objective_, rows), 0.0, 1e-12);
  EXPECT_LT(gradient(*objective_, rows).abs().max().item<double>(), 1e-12);
}

TEST_P(EveryObjective, SplittingRowsChangesNothing) {
  const LogitRows rows = make_rows();
  double sum = 0.0;
  std::vector<at::Tensor> gradients;
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 2}, {2, 3}, {3, kRows}}) {
    LogitRows part;
    part.student = rows.student.slice(0, begin, end);
    part.teacher = rows.teacher.slice(0, begin, end);
    part.targets = rows.targets.slice(0, begin, end);
    part.keys = rows.keys.slice(0, begin, end);
    sum += value(*objective_, part);
    gradients.push_back(gradient(*objective_, part));
  }
  EXPECT_NEAR(sum, value(*objective_, rows), 1e-9);
  const at::Tensor whole = gradient(*objective_, rows);
  EXPECT_LT((at::cat(gradients) - whole).norm().item<double>(), 1e-9 * whole.norm().item<double>());
}

TEST_P(EveryObjective, RowWeightsMultiplyRowLosses) {
  LogitRows rows = make_rows();
  const at::Tensor whole = gradient(*objective_, rows);
  rows.weights = at::linspace(0, 2, kRows, at::kFloat);
  const at::Tensor expected = whole * rows.weights.unsqueeze(1).to(at::kDouble);
  EXPECT_LT((gradient(*objective_, rows) - expected).abs().max().item<double>(), 1e-9);
}

TEST_P(EveryObjective, NoRowsGiveZero) {
  const LogitRows rows = make_rows(0);
  EXPECT_EQ(value(*objective_, rows), 0.0);
  EXPECT_EQ(gradient(*objective_, rows).numel(), 0);
}

TEST_P(EveryObjective, MaskedVocabularyOnBothSidesIsFinite) {
  LogitRows rows = make_rows();
  rows.student.select(1, 3).fill_(-INFINITY);
  rows.teacher.select(1, 3).fill_(-INFINITY);
  rows.targets.fill_(2);
  EXPECT_TRUE(std::isfinite(value(*objective_, rows)));
  EXPECT_TRUE(gradient(*objective_, rows).isfinite().all().item<bool>());
}

TEST_P(EveryObjective, NanReachesTheLoss) {
  LogitRows rows = make_rows();
  rows.student[2][rows.teacher[2].argmax()] = NAN;  // a token that every objective reads
  EXPECT_TRUE(std::isnan(value(*objective_, rows)));
}

struct HeadCase {
  Head head;
  HeadRows rows;
  TeacherRows teacher;
  at::Tensor weights;  // of the rows
};

at::Tensor all_logits(const TeacherRows& teacher) {
  const at::Tensor logits = at::empty({teacher.rows, teacher.vocabulary}, teacher.dtype);
  teacher.logits(0, teacher.rows, logits);
  return logits;
}

HeadCase make_head_case(int64_t rows, double softcap) {
  at::manual_seed(11);
  HeadCase made;
  made.head.weight = at::randn({kStudent, 5}, at::kDouble);
  made.head.bias = at::randn({kStudent}, at::kDouble);
  made.head.logit_scale = 0.5;
  made.head.logit_softcap = softcap;
  made.rows.hidden = at::randn({rows, 5}, at::kDouble);
  made.rows.targets = at::randint(0, kStudent, {rows}, at::kLong);
  made.rows.keys = at::arange(rows, at::kLong);
  const at::Tensor logits = at::randn({rows, kTeacher}, at::kDouble);
  made.teacher = offering(logits);
  return made;
}

struct HeadGradientsAndSum {
  at::Tensor hidden, weight, bias, sum;
};

HeadGradientsAndSum through_head_step(const HeadCase& c, const LogitObjective& objective,
                                      int64_t chunk) {
  HeadGradients gradients{at::zeros_like(c.head.weight), at::zeros_like(c.head.bias)};
  const HeadResult result = head_step(c.rows, c.head, gradients, c.teacher,
                                      {{&objective, 0.25, c.weights}}, {}, {.chunk_rows = chunk});
  return {result.d_hidden, gradients.weight, gradients.bias, result.sums[0]};
}

HeadGradientsAndSum through_autograd(const HeadCase& c, const LogitObjective& objective) {
  Head head = c.head;
  head.weight = c.head.weight.clone().requires_grad_(true);
  head.bias = c.head.bias.clone().requires_grad_(true);
  const at::Tensor hidden = c.rows.hidden.clone().requires_grad_(true);
  LogitRows rows;
  rows.student = head.logits(hidden);
  rows.teacher = all_logits(c.teacher);
  rows.targets = c.rows.targets;
  rows.keys = c.rows.keys;
  const at::Tensor sum = objective.sum(rows, {});
  torch::autograd::backward({sum * 0.25}, {});
  return {hidden.grad(), head.weight.grad(), head.bias.grad(), sum.detach()};
}

TEST_P(EveryObjective, HeadStepEqualsAutogradWhateverTheChunk) {
  for (const double softcap : {0.0, 3.0}) {
    const HeadCase c = make_head_case(kRows, softcap);
    const HeadGradientsAndSum expected = through_autograd(c, *objective_);
    for (const int64_t chunk : {1, 3, 7, 100}) {
      SCOPED_TRACE("chunk " + std::to_string(chunk));
      const HeadGradientsAndSum got = through_head_step(c, *objective_, chunk);
      EXPECT_NEAR(got.sum.item<double>(), expected.sum.item<double>(), 1e-9);
      EXPECT_LT((got.hidden - expected.hidden).norm().item<double>(),
                1e-9 * expected.hidden.norm().item<double>());
      EXPECT_LT((got.weight - expected.weight).norm().item<double>(),
                1e-9 * expected.weight.norm().item<double>());
      EXPECT_LT((got.bias - expected.bias).abs().max().item<double>(), 1e-9);
    }
  }
}

/// The objective, without the kernel.
class Unfused final : public LogitObjective {
 public:
  explicit Unfused(const LogitObjective& inner) : inner_(inner) {}
  at::Tensor row_losses(const LogitRows& rows, const StepContext& context) const override {
    return inner_.row_losses(rows, context);
  }
  double row_factor(const StepContext& context) const override {
    return inner_.row_factor(context);
  }

 protected:
  void options(Section&) override {}

 private:
  const LogitObjective& inner_;
};

TEST_P(EveryObjective, FusedEqualsAutogradAlsoBesideCrossEntropy) {
  const auto cross_entropy = logit_objectives().create("cross_entropy");
  HeadCase c = make_head_case(kRows, 0.0);
  c.weights = at::linspace(0, 2, kRows, at::kFloat);
  const Unfused unfused(*objective_), unfused_cross_entropy(*cross_entropy);
  const auto run = [&](const LogitObjective& a, const LogitObjective& b, at::Tensor& d_weight) {
    std::vector<HeadTerm> terms = {{&a, 0.25, c.weights}};
    if (GetParam().type != "cross_entropy") terms.push_back({&b, 0.5, c.weights});
    EXPECT_EQ(runs_fused(terms, at::kCPU, at::kDouble),
              &a == objective_.get() && objective_->fused({}).has_value());
    d_weight = at::zeros_like(c.head.weight);
    return head_step(c.rows, c.head, {d_weight, {}}, c.teacher, terms, {}, {.chunk_rows = 3});
  };
  at::Tensor fused_weight, weight;
  const HeadResult fused = run(*objective_, *cross_entropy, fused_weight);
  const HeadResult reference = run(unfused, unfused_cross_entropy, weight);
  for (size_t i = 0; i < reference.sums.size(); ++i) {
    EXPECT_NEAR(fused.sums[i].item<double>(), reference.sums[i].item<double>(), 1e-9);
  }
  EXPECT_LT((fused.d_hidden - reference.d_hidden).norm().item<double>(),
            1e-9 * reference.d_hidden.norm().item<double>());
  EXPECT_LT((fused_weight - weight).norm().item<double>(), 1e-9 * weight.norm().item<double>());
}

TEST_P(EveryObjective, AWeightOfZeroHidesARowsLoss) {
  HeadCase c = make_head_case(kRows, 0.0);
  c.weights = at::linspace(0, 2, kRows, at::kFloat);
  at::Tensor logits = all_logits(c.teacher);
  logits[0].fill_(NAN);
  c.teacher = offering(logits);
  const Unfused unfused(*objective_);
  for (const LogitObjective* objective : {static_cast<const LogitObjective*>(objective_.get()),
                                          static_cast<const LogitObjective*>(&unfused)}) {
    const HeadGradientsAndSum got = through_head_step(c, *objective, 3);
    EXPECT_TRUE(std::isfinite(got.sum.item<double>()));
    EXPECT_TRUE(got.weight.isfinite().all().item<bool>());
    EXPECT_EQ(got.hidden[0].abs().max().item<double>(), 0.0);
  }
}

TEST_P(EveryObjective, RowLossesAreThoseOfEachRowAlone) {
  const HeadCase c = make_head_case(kRows, 0.0);
  const at::Tensor weights = at::tensor({1.0, 0.0, 2.0, 0.5, 1.0, 1.0, 3.0}, at::kFloat);
  const Unfused unfused(*objective_);
  const std::vector<const LogitObjective*> both = {objective_.get(), &unfused};
  for (const LogitObjective* objective : both) {
    const HeadResult result =
        head_step(c.rows, c.head, {}, c.teacher, {{objective, 0.25, weights}}, {},
                  {.want_gradients = false, .want_row_losses = true, .chunk_rows = 3});
    const at::Tensor& losses = result.row_losses.at(0);
    ASSERT_EQ(losses.size(0), kRows);
    EXPECT_EQ(losses[1].item<double>(), 0.0) << "its weight is 0";
    EXPECT_NEAR((losses * weights).sum().item<double>(), result.sums[0].item<double>(), 1e-9);
    LogitRows row;
    row.student = c.head.logits(c.rows.hidden.slice(0, 4, 5));
    row.teacher = at::empty({1, c.teacher.vocabulary}, at::kDouble);
    c.teacher.logits(4, 5, row.teacher);
    row.targets = c.rows.targets.slice(0, 4, 5);
    if (c.rows.keys.defined()) row.keys = c.rows.keys.slice(0, 4, 5);
    EXPECT_NEAR(losses[4].item<double>(), objective->sum(row, {}).item<double>(), 1e-9);
  }
}

TEST_P(EveryObjective, HeadStepOfNoRowsIsZero) {
  const HeadCase c = make_head_case(0, 0.0);
  const HeadGradientsAndSum got = through_head_step(c, *objective_, 4);
  EXPECT_EQ(got.sum.item<double>(), 0.0);
  EXPECT_EQ(got.weight.abs().max().item<double>(), 0.0);
}

/// Every registered objective, and every divergence over fewer classes.
std::vector<Configured> all_objectives() {
  std::vector<Configured> all;
  for (const RegistryEntry& entry : logit_objectives().entries()) {
    all.push_back({entry.name, entry.name});
    const auto objective = logit_objectives().create(entry.name);
    if (!objective->is_divergence() || entry.name == "mse_logits") continue;
    all.push_back({entry.name + "_bucket", entry.name, "{top_k: 4}"});
    all.push_back({entry.name + "_bucket_hot", entry.name, "{top_k: 4, temperature: 2}"});
    all.push_back(
        {entry.name + "_renormalize", entry.name, "{top_k: 4, tail: renormalize, temperature: 2}"});
  }
  all.push_back({"sampled_forward_kl_hot", "sampled_forward_kl",
                 "{samples: 7, temperature: 2, proposal_temperature: 1.5}"});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryObjective, testing::ValuesIn(all_objectives()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace distill
