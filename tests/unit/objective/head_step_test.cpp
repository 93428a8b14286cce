#include "distill/objective/head_step.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "offering.h"

namespace distill {
namespace {

constexpr int64_t kRows = 37, kWidth = 24, kVocabulary = 130, kTeacher = 133;

struct Case {
  Head head;
  HeadRows rows;
  TeacherRows teacher;
};

/// The same values in every dtype: they are drawn in bf16.
Case make_case(at::ScalarType student, at::ScalarType teacher) {
  at::manual_seed(5);
  const auto draw = [](int64_t rows, int64_t columns) {
    return at::randn({rows, columns}).to(at::kBFloat16);
  };
  Case made;
  made.head.weight = draw(kVocabulary, kWidth).to(student);
  made.rows.hidden = draw(kRows, kWidth).to(student);
  made.rows.targets = at::randint(0, kVocabulary, {kRows}, at::kLong);
  made.teacher = offering(draw(kRows, kTeacher).to(teacher));
  return made;
}

class HeadStep : public testing::Test {
 protected:
  std::vector<HeadTerm> terms() const {
    return {{cross_entropy_.get(), 0.5}, {forward_kl_.get(), 0.25}};
  }

  HeadResult run(const Case& c, const HeadGradients& gradients) const {
    return head_step(c.rows, c.head, gradients, c.teacher, terms(), {}, {.chunk_rows = 16});
  }

  std::unique_ptr<LogitObjective> cross_entropy_ = logit_objectives().create("cross_entropy");
  std::unique_ptr<LogitObjective> forward_kl_ = logit_objectives().create("forward_kl");
  std::unique_ptr<LogitObjective> reverse_kl_ = logit_objectives().create("reverse_kl");
};

double relative(const at::Tensor& got, const at::Tensor& exact) {
  return ((got.to(at::kDouble) - exact).norm() / exact.norm()).item<double>();
}

TEST_F(HeadStep, EveryDtypeGivesTheLossesAndGradientsOfDouble) {
  const Case exact = make_case(at::kDouble, at::kDouble);
  const at::Tensor exact_weight = at::zeros_like(exact.head.weight);
  const HeadResult expected = run(exact, {exact_weight, {}});
  struct Dtypes {
    at::ScalarType student, teacher;
    double tolerance;
  };
  for (const Dtypes& dtypes : {Dtypes{at::kFloat, at::kFloat, 2e-6},
                               {at::kFloat, at::kBFloat16, 2e-6},
                               {at::kBFloat16, at::kBFloat16, 1e-2},
                               {at::kBFloat16, at::kFloat, 1e-2}}) {
    SCOPED_TRACE(std::string(c10::toString(dtypes.student)) + " " + c10::toString(dtypes.teacher));
    const Case c = make_case(dtypes.student, dtypes.teacher);
    const at::Tensor d_weight = at::zeros({kVocabulary, kWidth});
    const HeadResult got = run(c, {d_weight, {}});
    EXPECT_EQ(got.sums[0].scalar_type(), at::kDouble);
    EXPECT_EQ(got.d_hidden.scalar_type(), dtypes.student);
    for (size_t i = 0; i < 2; ++i) {
      const double value = expected.sums[i].item<double>();
      EXPECT_NEAR(got.sums[i].item<double>(), value, dtypes.tolerance * value);
    }
    EXPECT_LT(relative(got.d_hidden, expected.d_hidden), dtypes.tolerance);
    EXPECT_LT(relative(d_weight, exact_weight), dtypes.tolerance);
  }
}

TEST_F(HeadStep, AFrozenHeadHasTheSameHiddenGradient) {
  const Case c = make_case(at::kFloat, at::kFloat);
  const at::Tensor d_weight = at::zeros_like(c.head.weight);
  EXPECT_TRUE(run(c, {d_weight, {}}).d_hidden.equal(run(c, {}).d_hidden));
}

TEST_F(HeadStep, WhereNothingBelowTrainsTheHeadHasTheSameGradient) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    Case c = make_case(type, type);
    c.head.bias = at::zeros({kVocabulary}, type);
    const std::vector<HeadTerm> fused = terms(),
                                by_autograd = {{forward_kl_.get(), 1.0}, {reverse_kl_.get(), 1.0}};
    for (const std::vector<HeadTerm>& these : {fused, by_autograd}) {
      const auto step = [&](const HeadGradients& gradients, bool want_d_hidden) {
        return head_step(c.rows, c.head, gradients, c.teacher, these, {},
                         {.want_d_hidden = want_d_hidden, .chunk_rows = 16});
      };
      const auto zeros = [&] {
        return HeadGradients{at::zeros({kVocabulary, kWidth}), at::zeros({kVocabulary})};
      };
      const HeadGradients both = zeros(), head_alone = zeros();
      const HeadResult with = step(both, true), without = step(head_alone, false);
      EXPECT_TRUE(with.d_hidden.defined());
      EXPECT_FALSE(without.d_hidden.defined());
      EXPECT_GT(head_alone.weight.abs().sum().item<double>(), 0.0);
      EXPECT_TRUE(both.weight.equal(head_alone.weight));
      EXPECT_TRUE(both.bias.equal(head_alone.bias));
      for (size_t i = 0; i < these.size(); ++i) EXPECT_TRUE(with.sums[i].equal(without.sums[i]));
    }
  }
}

TEST_F(HeadStep, WithoutGradientsTwoDivergencesGoThroughTheKernel) {
  const Case c = make_case(at::kFloat, at::kFloat);
  const std::vector<HeadTerm> both = {{forward_kl_.get(), 1.0}, {reverse_kl_.get(), 1.0}};
  EXPECT_FALSE(runs_fused(both, at::kCPU, at::kFloat));
  const HeadStepOptions measure{.want_gradients = false, .chunk_rows = 16};
  const HeadResult together = head_step(c.rows, c.head, {}, c.teacher, both, {}, measure);
  EXPECT_FALSE(together.d_hidden.defined());
  for (size_t i = 0; i < 2; ++i) {
    const HeadResult alone = head_step(c.rows, c.head, {}, c.teacher, {both[i]}, {}, measure);
    EXPECT_EQ(together.sums[i].item<double>(), alone.sums[0].item<double>());
    EXPECT_GT(alone.sums[0].item<double>(), 1.0);
  }
}

TEST_F(HeadStep, TheObserverSeesAllLogitsOfBothModels) {
  Case c = make_case(at::kFloat, at::kFloat);
  c.head.logit_softcap = 3.0;
  std::vector<at::Tensor> student, teacher;
  HeadStepOptions options{.chunk_rows = 16};
  options.observer = [&](const LogitRows& chunk) {
    student.push_back(chunk.student.clone());
    teacher.push_back(chunk.teacher.clone());
  };
  head_step(c.rows, c.head, {}, c.teacher, terms(), {}, options);
  EXPECT_LT(relative(at::cat(student), c.head.logits(c.rows.hidden).to(at::kDouble)), 1e-6);
  const at::Tensor all = at::empty({kRows, kTeacher});
  c.teacher.logits(0, kRows, all);
  EXPECT_TRUE(at::cat(teacher).equal(all));
}

TEST_F(HeadStep, ASoftCapInBfloat16IsAsRightAsItsLogits) {
  Case exact = make_case(at::kDouble, at::kDouble), c = make_case(at::kBFloat16, at::kBFloat16);
  exact.head.logit_softcap = c.head.logit_softcap = 5.0;
  EXPECT_LT(relative(run(c, {}).d_hidden, run(exact, {}).d_hidden), 2e-2);
}

TEST_F(HeadStep, CallsOfAllSizesAndDtypesMayShareBuffers) {
  HeadBuffers buffers;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kDouble, at::kFloat}) {
    for (const double softcap : {0.0, 4.0}) {
      Case c = make_case(type, type);
      c.head.logit_softcap = softcap;
      for (const int64_t chunk : {5, 37, 16}) {
        const auto step = [&](HeadBuffers* shared) {
          return head_step(c.rows, c.head, {}, c.teacher, terms(), {},
                           {.chunk_rows = chunk, .buffers = shared});
        };
        const HeadResult own = step(nullptr), shared = step(&buffers);
        EXPECT_TRUE(own.d_hidden.equal(shared.d_hidden));
        EXPECT_TRUE(own.sums[1].equal(shared.sums[1]));
      }
    }
  }
}

TEST(HeadBuffers, AreTakenOnce) {
  HeadBuffers buffers;
  const at::Tensor first = buffers.student(100, 7, at::kFloat);
  EXPECT_EQ(buffers.student(128, 7, at::kFloat).data_ptr(), first.data_ptr());
  EXPECT_EQ(buffers.student(3, 5, at::kFloat).sizes(), (std::vector<int64_t>{3, 5}));
  EXPECT_NE(buffers.teacher(3, 5, at::kFloat).data_ptr(), first.data_ptr());
}

TEST(ChunkRows, FollowAMemoryBudgetAndNotTheShapeOfTheHead) {
  EXPECT_EQ(chunk_rows(at::kCPU, 2 * 4 * 49152, true), 512);
  EXPECT_EQ(chunk_rows(at::kCPU, 2 * 4 * 262144, true), 320);
  EXPECT_EQ(chunk_rows(at::kCPU, 2 * 4 * 151936, false), 128);
  EXPECT_EQ(chunk_rows(at::kCPU, int64_t{1} << 40, true), 64);
  EXPECT_EQ(chunk_rows(at::kCUDA, 2 * 2 * 151936, true), 4096);
  EXPECT_EQ(chunk_rows(at::kCUDA, 100, false), 4096);
}

}  // namespace
}  // namespace distill
