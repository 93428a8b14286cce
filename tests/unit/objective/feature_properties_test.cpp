// What must hold for every registered objective over inner values.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "make_objective.h"

namespace distill {
namespace {

constexpr int64_t kStudentWidth = 6, kTeacherWidth = 9, kHeads = 2;

/// Every kind of tap of two layers.
TapShapes shapes(int64_t width) {
  TapShapes all;
  for (int layer = 0; layer < 2; ++layer) {
    all[{Tap::Kind::kHidden, layer}] = {width};
    for (const auto kind : {Tap::Kind::kQuery, Tap::Kind::kKey, Tap::Kind::kValue}) {
      all[{kind, layer}] = {kHeads, width};
    }
  }
  return all;
}

Document document(int64_t length, int64_t seed) {
  Document made;
  for (int64_t i = 0; i < length; ++i) {
    made.tokens.push_back(seed + i);
    made.is_target.push_back(i % 3 != 0);
  }
  return made;
}

at::Tensor random_value(const std::vector<int64_t>& shape, int64_t tokens) {
  std::vector<int64_t> sizes = {tokens};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  return at::randn(sizes, at::kDouble);
}

class EveryFeatureObjective : public testing::TestWithParam<std::string> {
 protected:
  FeatureRows make_rows(const Batch& batch, bool same_width = false) const {
    const ModelTaps models = {shapes(kStudentWidth),
                              shapes(same_width ? kStudentWidth : kTeacherWidth)};
    at::manual_seed(11);
    FeatureRows rows{batch};
    for (const TapPair& pair : objective_->pairs(models)) {
      rows.pairs.push_back({random_value(models.student.at(pair.student), batch.token_count()),
                            random_value(models.teacher.at(pair.teacher), batch.token_count()),
                            pair.weight.last()});
      rows.pairs.back().student.requires_grad_(true);
    }
    for (const ObjectiveParameter& parameter : objective_->parameters(models)) {
      rows.parameters.push_back(at::randn(parameter.shape, at::kDouble).requires_grad_(true));
    }
    return rows;
  }

  std::vector<at::Tensor> leaves(const FeatureRows& rows) const {
    std::vector<at::Tensor> all = rows.parameters;
    for (const FeaturePair& pair : rows.pairs) all.push_back(pair.student);
    return all;
  }

  double value(const FeatureRows& rows) const { return objective_->sum(rows, {}).item<double>(); }

  std::unique_ptr<FeatureObjective> objective_ = make_feature_objective(GetParam());
  Batch batch_ = make_batch({document(7, 1), document(5, 20)});
};

TEST_P(EveryFeatureObjective, GradientEqualsCentralDifferences) {
  const FeatureRows rows = make_rows(batch_);
  torch::autograd::backward({objective_->sum(rows, {})}, {});
  constexpr double kStep = 1e-5;
  const at::NoGradGuard no_grad;
  for (const at::Tensor& leaf : leaves(rows)) {
    const at::Tensor flat = leaf.view(-1), gradient = leaf.grad().view(-1);
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const double before = flat[i].item<double>();
      flat[i].fill_(before + kStep);
      const double up = value(rows);
      flat[i].fill_(before - kStep);
      const double down = value(rows);
      flat[i].fill_(before);
      EXPECT_NEAR(gradient[i].item<double>(), (up - down) / (2 * kStep), 1e-6);
    }
  }
}

TEST_P(EveryFeatureObjective, IsZeroAtEquality) {
  FeatureRows rows = make_rows(batch_, /*same_width=*/true);
  if (!rows.parameters.empty()) GTEST_SKIP() << "its parameters stand between the two";
  EXPECT_GT(value(rows), 0.0);
  for (FeaturePair& pair : rows.pairs) pair.teacher = pair.student.detach();
  EXPECT_NEAR(value(rows), 0.0, 1e-12);
}

TEST_P(EveryFeatureObjective, SplittingTheDocumentsChangesNothing) {
  const FeatureRows whole = make_rows(batch_);
  double sum = 0.0;
  int64_t units = 0;
  for (size_t n = 0; n < 2; ++n) {
    const Batch batch = make_batch({n == 0 ? document(7, 1) : document(5, 20)});
    FeatureRows rows{batch};
    rows.parameters = whole.parameters;
    for (const FeaturePair& pair : whole.pairs) {
      const auto slice = [&](const at::Tensor& value) {
        return value.slice(0, batch_.bounds[n], batch_.bounds[n + 1]);
      };
      rows.pairs.push_back({slice(pair.student), slice(pair.teacher), pair.weight});
    }
    sum += value(rows);
    units += UnitCounts::of(batch)[objective_->unit()];
  }
  EXPECT_NEAR(sum, value(whole), 1e-9);
  EXPECT_EQ(units, UnitCounts::of(batch_)[objective_->unit()]);
}

TEST_P(EveryFeatureObjective, TheTeacherGetsNoGradient) {
  FeatureRows rows = make_rows(batch_);
  for (FeaturePair& pair : rows.pairs) pair.student = pair.student.detach();
  for (at::Tensor& parameter : rows.parameters) parameter = parameter.detach();
  EXPECT_FALSE(objective_->sum(rows, {}).requires_grad());
}

TEST_P(EveryFeatureObjective, IsComputedInFp32WhateverTheModelsAreIn) {
  FeatureRows rows = make_rows(batch_);
  const double expected = value(rows);
  for (FeaturePair& pair : rows.pairs) {
    pair.student = pair.student.detach().to(at::kBFloat16);
    pair.teacher = pair.teacher.to(at::kBFloat16);
  }
  for (at::Tensor& parameter : rows.parameters) parameter = parameter.detach().to(at::kBFloat16);
  const at::Tensor sum = objective_->sum(rows, {});
  EXPECT_EQ(sum.scalar_type(), at::kFloat);
  EXPECT_NEAR(sum.item<double>() / expected, 1.0, 0.05);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const RegistryEntry& entry : feature_objectives().entries()) all.push_back(entry.name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryFeatureObjective, testing::ValuesIn(names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace distill
