// Which hidden states are compared, through what, and over which positions.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/error.h"
#include "make_objective.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Hidden states of layers 0 to `last`.
TapShapes hidden_states(int last, int64_t width) {
  TapShapes shapes;
  for (int layer = 0; layer <= last; ++layer) shapes[{Tap::Kind::kHidden, layer}] = {width};
  return shapes;
}

const ModelTaps kAlike{hidden_states(2, 4), hidden_states(6, 4)};
const ModelTaps kWider{hidden_states(2, 4), hidden_states(6, 9)};

std::vector<std::pair<int, int>> layers_of(const std::string& options) {
  std::vector<std::pair<int, int>> layers;
  for (const TapPair& pair : make_feature_objective("hidden_mse", options)->pairs(kAlike)) {
    layers.emplace_back(pair.student.layer, pair.teacher.layer);
  }
  return layers;
}

std::vector<std::string> parameter_names(const std::string& options, const ModelTaps& models) {
  std::vector<std::string> names;
  for (const auto& parameter : make_feature_objective("hidden_mse", options)->parameters(models)) {
    names.push_back(parameter.name);
  }
  return names;
}

std::string refusal(const std::string& options, const ModelTaps& models) {
  try {
    make_feature_objective("hidden_mse", options)->needs(models);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST(HiddenMse, ComparesTheLastLayersOrThoseThatAreListed) {
  EXPECT_THAT(layers_of("{}"), ElementsAre(std::pair(2, 6)));
  EXPECT_THAT(layers_of("{layers: [{student: 0, teacher: 0}, {student: 1, teacher: 3}]}"),
              ElementsAre(std::pair(0, 0), std::pair(1, 3)));
}

TEST(HiddenMse, NeedsTheTapsOfItsPairs) {
  const Needs needs =
      make_feature_objective("hidden_mse", "{layers: [{student: 1, teacher: 5}]}")->needs(kAlike);
  EXPECT_THAT(needs.student_taps, ElementsAre(Tap{Tap::Kind::kHidden, 1}));
  EXPECT_THAT(needs.teacher_taps, ElementsAre(Tap{Tap::Kind::kHidden, 5}));
  EXPECT_TRUE(needs.teacher());
  EXPECT_FALSE(needs.teacher_logits);
}

TEST(HiddenMse, NamesLayersThatAreNotThere) {
  EXPECT_EQ(refusal("{layers: [{student: 2, teacher: 6}]}", kAlike), "none");
  EXPECT_THAT(
      refusal("{layers: [{student: 3, teacher: 6}]}", kAlike),
      HasSubstr("layers.0.student: the hidden state of layer 3 is not there: the student has "
                "layers up to 2"));
  EXPECT_THAT(
      refusal("{layers: [{student: 0, teacher: 0}, {student: 2, teacher: 7}]}", kAlike),
      HasSubstr("layers.1.teacher: the hidden state of layer 7 is not there: the teacher has "
                "layers up to 6"));
  EXPECT_THAT(refusal("{}", {hidden_states(2, 4), {}}), HasSubstr("the teacher has none"));
}

TEST(HiddenMse, RefusesNoLayersAndNumbersThatAreNone) {
  EXPECT_THROW(make_feature_objective("hidden_mse", "{layers: []}"), ConfigError);
  EXPECT_THROW(
      make_feature_objective("hidden_mse", "{layers: [{student: 4294967297, teacher: 1}]}"),
      ConfigError);
}

TEST(HiddenMse, ProjectsWhereTheWidthsDifferOrWhenAsked) {
  EXPECT_THAT(parameter_names("{}", kAlike), ElementsAre());
  EXPECT_THAT(parameter_names("{}", kWider), ElementsAre("projector.0.weight", "projector.0.bias"));
  EXPECT_THAT(parameter_names("{projector: linear, projector_bias: false}", kAlike),
              ElementsAre("projector.0.weight"));
  EXPECT_THAT(refusal("{projector: none}", kWider),
              HasSubstr("projector: the student's width is 4, the teacher's 9"));
  EXPECT_EQ(refusal("{projector: none}", kAlike), "none");
}

/// T = 5 tokens of two documents, of which three have a target.
Batch some_batch() {
  Document first, second;
  first.tokens = {1, 2, 3};
  first.is_target = {false, true, true};
  second.tokens = {4, 5};
  second.is_target = {false, true};
  return make_batch({first, second});
}

TEST(HiddenMse, IsTheMeanOverTheWidthSummedOverPositionsAndPairs) {
  const Batch batch = some_batch();
  at::manual_seed(3);
  FeatureRows rows{batch};
  for (int pair = 0; pair < 2; ++pair) {
    rows.pairs.push_back(
        {at::randn({5, 4}, at::kDouble), at::randn({5, 4}, at::kDouble), 1.0 + 2 * pair});
  }
  const auto position = [&](size_t pair, int64_t t) {
    const auto& [student, teacher, weight] = rows.pairs[pair];
    double sum = 0;
    for (int64_t d = 0; d < 4; ++d) {
      const double gap = student[t][d].item<double>() - teacher[t][d].item<double>();
      sum += gap * gap / 4;
    }
    return weight * sum;
  };
  double loss = 0, all = 0, weighted = 0;
  const std::vector<int64_t> loss_rows = {0, 1, 3};
  rows.weights = at::tensor({0.5, 0.0, 2.0}, at::kFloat);
  for (size_t pair = 0; pair < 2; ++pair) {
    for (int64_t t = 0; t < 5; ++t) all += position(pair, t);
    for (size_t i = 0; i < loss_rows.size(); ++i) {
      loss += position(pair, loss_rows[i]);
      weighted += position(pair, loss_rows[i]) * rows.weights[int64_t(i)].item<double>();
    }
  }
  const auto sum = [&](const std::string& options) {
    return make_feature_objective("hidden_mse", options)->sum(rows, {}).item<double>();
  };
  EXPECT_NEAR(sum("{}"), weighted, 1e-12);
  EXPECT_NEAR(sum("{tokens: all}"), all, 1e-12);
  rows.weights = at::Tensor();
  EXPECT_NEAR(sum("{}"), loss, 1e-12);
}

}  // namespace
}  // namespace distill
