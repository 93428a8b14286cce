// Divergences over the teacher's K best tokens: where they meet the divergence over all, what a
// sparse teacher suffices for, and masses of exactly zero.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "distill/core/error.h"
#include "make_objective.h"

namespace distill {
namespace {

using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kRows = 5, kVocabulary = 9, kTopK = 4;

const char* const kDivergences[] = {
    "forward_kl", "reverse_kl",        "symmetric_kl",      "adaptive_kl",
    "jsd",        "skewed_forward_kl", "skewed_reverse_kl", "total_variation"};

LogitRows make_rows(at::ScalarType type = at::kDouble) {
  at::manual_seed(3);
  LogitRows rows;
  rows.student = (at::randn({kRows, kVocabulary}, at::kDouble) * 2).to(type);
  rows.teacher = (at::randn({kRows, kVocabulary}, at::kDouble) * 2).to(type);
  rows.targets = at::zeros({kRows}, at::kLong);
  return rows;
}

/// The same rows of a teacher that gives k tokens.
LogitRows with_sparse_teacher(const LogitRows& rows, int64_t k) {
  LogitRows sparse = rows;
  const auto [log_probs, ids] = rows.teacher.log_softmax(-1).topk(k);
  sparse.sparse = {ids, log_probs, rows.teacher.size(-1)};
  sparse.teacher = at::Tensor();
  return sparse;
}

struct Answer {
  double sum;
  at::Tensor gradient;

  bool finite() const { return std::isfinite(sum) && gradient.isfinite().all().item<bool>(); }
};

Answer run(const LogitObjective& objective, LogitRows rows) {
  rows.student = rows.student.detach().clone().requires_grad_(true);
  const at::Tensor sum = objective.sum(rows, {});
  return {sum.item<double>(), torch::autograd::grad({sum}, {rows.student})[0]};
}

Answer run(const std::string& type, const std::string& options, const LogitRows& rows) {
  SCOPED_TRACE(type + options);
  return run(*make_objective(type, options), rows);
}

void expect_equal(const Answer& got, const Answer& expected) {
  EXPECT_NEAR(got.sum, expected.sum, 1e-11);
  EXPECT_LT((got.gradient - expected.gradient).abs().max().item<double>(), 1e-11);
}

std::string error_of(const std::string& type, const std::string& options, const LogitRows& rows) {
  const auto objective = make_objective(type, options);
  try {
    objective->sum(rows, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// The tokens outside the teacher's K best are ruled out.
void mask_rest(at::Tensor& logits, const LogitRows& like) {
  const at::Tensor ids = std::get<1>(like.teacher.topk(kTopK));
  const at::Tensor kept = logits.gather(-1, ids);
  logits = at::full_like(logits, -kInfinity).scatter(-1, ids, kept);
}

TEST(TopK, AsManyAsTheVocabularyIsTheDivergenceItself) {
  LogitRows rows = make_rows();
  rows.teacher = rows.teacher.narrow(1, 0, kVocabulary - 2);
  for (const std::string type : kDivergences) {
    const Answer all = run(type, "{temperature: 2}", rows);
    for (const std::string k : {"7", "9", "100"}) {
      expect_equal(run(type, "{temperature: 2, top_k: " + k + "}", rows), all);
      expect_equal(run(type, "{temperature: 2, tail: renormalize, top_k: " + k + "}", rows), all);
    }
    const LogitRows same = make_rows();
    const LogitRows sparse = with_sparse_teacher(same, kVocabulary);
    expect_equal(run(type, "{temperature: 2, top_k: 100}", sparse),
                 run(type, "{temperature: 2}", same));
  }
}

TEST(TopK, StoredTokensGiveWhatTheLogitsGive) {
  const LogitRows rows = make_rows();
  for (const int64_t stored : {kTopK, kTopK + 2}) {
    const LogitRows sparse = with_sparse_teacher(rows, stored);
    for (const std::string type : kDivergences) {
      for (const std::string options : {"{top_k: 4}", "{top_k: 4, tail: renormalize}",
                                        "{top_k: 4, tail: renormalize, temperature: 2}",
                                        "{top_k: 4, tail: renormalize, temperature: 0.5}"}) {
        expect_equal(run(type, options, sparse), run(type, options, rows));
      }
    }
  }
}

TEST(TopK, TheRestOfALargerStudentEndsWithTheTeachersVocabulary) {
  LogitRows rows = make_rows();
  rows.teacher = rows.teacher.narrow(-1, 0, kVocabulary - 3);
  const LogitRows sparse = with_sparse_teacher(rows, kTopK);
  for (const std::string type : kDivergences) {
    for (const std::string options : {"{top_k: 4}", "{top_k: 4, tail: renormalize}"}) {
      expect_equal(run(type, options, sparse), run(type, options, rows));
    }
  }
}

TEST(TopK, StoredTokensOfTheStudentItselfGiveZero) {
  LogitRows rows = make_rows();
  rows.teacher = rows.student;
  const LogitRows sparse = with_sparse_teacher(rows, kTopK);
  for (const std::string type : kDivergences) {
    for (const std::string options : {"{top_k: 4}", "{top_k: 4, tail: renormalize}"}) {
      const Answer got = run(type, options, sparse);
      EXPECT_NEAR(got.sum, 0.0, 1e-12);
      if (type == "total_variation") continue;  // rounding decides on which side of its kink
      EXPECT_LT(got.gradient.abs().max().item<double>(), 1e-12);
    }
  }
}

TEST(TopK, NoMassInEitherTailIsNoNan) {
  for (const std::string type : kDivergences) {
    for (const std::string options : {"{top_k: 4}", "{top_k: 4, tail: renormalize}"}) {
      for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
        LogitRows rows = make_rows(dtype);
        mask_rest(rows.student, rows);
        mask_rest(rows.teacher, rows);
        const Answer dense = run(type, options, rows);
        EXPECT_TRUE(dense.finite());
        EXPECT_GT(dense.sum, 0.01);
        const Answer sparse = run(type, options, with_sparse_teacher(rows, kTopK));
        EXPECT_TRUE(sparse.finite());
        EXPECT_NEAR(sparse.sum, dense.sum, 1e-5);
        rows.teacher = rows.student;
        EXPECT_NEAR(run(type, options, rows).sum, 0.0, dtype == at::kDouble ? 1e-12 : 1e-6);
      }
    }
  }
}

TEST(TopK, NoMassInOneTailIsInfiniteOrFiniteButNoNan) {
  LogitRows student = make_rows(), teacher = make_rows();
  mask_rest(student.student, student);
  mask_rest(teacher.teacher, teacher);
  const std::string options = "{top_k: 4}";
  EXPECT_EQ(run("forward_kl", options, student).sum, kInfinity);
  EXPECT_EQ(run("forward_kl", options, with_sparse_teacher(student, kTopK)).sum, kInfinity);
  EXPECT_TRUE(run("reverse_kl", options, student).finite());
  EXPECT_EQ(run("reverse_kl", options, teacher).sum, kInfinity);
  EXPECT_TRUE(run("forward_kl", options, teacher).finite());
  for (const std::string bounded : {"jsd", "skewed_forward_kl", "total_variation"}) {
    EXPECT_TRUE(run(bounded, options, student).finite());
    EXPECT_TRUE(run(bounded, options, teacher).finite());
  }
}

TEST(TopK, MaskedTokensAmongTheBestAreNoNan) {
  LogitRows rows = make_rows();
  rows.teacher.narrow(1, 2, kVocabulary - 2).fill_(-kInfinity);  // two tokens are left, K is four
  for (const std::string type : {"forward_kl", "jsd", "skewed_forward_kl", "total_variation"}) {
    EXPECT_TRUE(run(type, "{top_k: 4}", rows).finite());
    EXPECT_TRUE(run(type, "{top_k: 4, tail: renormalize}", rows).finite());
    EXPECT_TRUE(run(type, "{top_k: 4}", with_sparse_teacher(rows, kTopK)).finite());
  }
}

TEST(TopK, StoredProbabilitiesThatRoundToMoreThanOneLeaveATail) {
  LogitRows rows = make_rows(at::kFloat);
  rows.sparse = {at::arange(kTopK).expand({kRows, kTopK}),
                 at::full({kRows, kTopK}, std::log(1.0 / kTopK) + 1e-6, at::kFloat), kVocabulary};
  rows.teacher = at::Tensor();
  for (const std::string type : kDivergences) {
    EXPECT_TRUE(run(type, "{top_k: 4}", rows).finite());
  }
}

TEST(TopK, NeedsNoMoreThanItUses) {
  const auto needs = [](const std::string& options) {
    return make_objective("forward_kl", options)->row_needs();
  };
  EXPECT_TRUE(needs("{}").teacher_logits);
  EXPECT_TRUE(needs("{top_k: 4, temperature: 2}").teacher_logits);
  for (const std::string options :
       {"{top_k: 4}", "{top_k: 4, temperature: 2, tail: renormalize}"}) {
    EXPECT_FALSE(needs(options).teacher_logits);
    EXPECT_EQ(needs(options).teacher_top_k, 4);
    EXPECT_TRUE(needs(options).teacher());
  }
  Needs both = needs("{top_k: 4}");
  both.merge(needs("{top_k: 64}"));
  both.merge(needs("{top_k: 8}"));
  EXPECT_EQ(both.teacher_top_k, 64);
  EXPECT_FALSE(make_objective("cross_entropy")->row_needs().teacher());
}

TEST(TopK, WhatASparseTeacherCannotAnswerIsRefusedWithAReason) {
  const LogitRows sparse = with_sparse_teacher(make_rows(), 3);
  EXPECT_THAT(error_of("jsd", "{top_k: 2, temperature: 2}", sparse),
              HasSubstr("the mass outside them is known at temperature 1 only"));
  EXPECT_THAT(error_of("jsd", "{top_k: 4}", sparse),
              HasSubstr("expected a teacher that gives 4 tokens a row, found one that gives 3"));
  for (const std::string type : {"forward_kl", "mse_logits", "sampled_forward_kl"}) {
    EXPECT_THAT(error_of(type, "{}", sparse), HasSubstr("gives all its logits, found one that"));
  }
  LogitRows none = make_rows();
  none.teacher = at::Tensor();
  EXPECT_THAT(error_of("forward_kl", "{top_k: 4}", none), HasSubstr("found none"));
}

TEST(TopK, OptionsAreChecked) {
  const auto problem = [](const std::string& options) -> std::string {
    try {
      make_objective("forward_kl", options);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(problem("{tail: bucket}"), HasSubstr("tail: needs top_k"));
  EXPECT_THAT(problem("{top_k: 0}"), HasSubstr("top_k: must be >= 1"));
  EXPECT_THAT(problem("{top_k: 0, tail: bucket}"), testing::Not(HasSubstr("needs top_k")));
  EXPECT_THAT(problem("{top_k: 4, tail: raw}"), HasSubstr("bucket, renormalize"));
  EXPECT_EQ(problem("{top_k: null, tail: null}"), "no error");
}

TEST(TopK, TheKernelDoesNotKnowIt) {
  EXPECT_TRUE(make_objective("forward_kl")->fused({}).has_value());
  EXPECT_FALSE(make_objective("forward_kl", "{top_k: 4}")->fused({}).has_value());
}

}  // namespace
}  // namespace distill
