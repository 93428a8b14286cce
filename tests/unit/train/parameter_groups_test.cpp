// Which parameters train, and in which group, from the names of small models.
#include "train/parameter_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "distill/core/error.h"
#include "unit/model/tiny_models.h"

namespace distill {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Transformer shapes_of(const Json& json) {
  return {transformer_config_from_json(json, "tiny"), at::kFloat, at::kMeta};
}

ObjectiveParameters no_parameters() { return {{}, {}, at::kMeta, 0}; }

std::map<std::string, ParameterGroup> grouped(const Json& json, const AdamWOptions& optimizer,
                                              const std::vector<std::string>& freeze = {}) {
  Transformer student = shapes_of(json);
  ObjectiveParameters none = no_parameters();
  std::map<std::string, ParameterGroup> groups;
  for (const ParameterRef& parameter : trainable_parameters(student, none, optimizer, freeze)) {
    groups[parameter.name] = parameter.group;
  }
  return groups;
}

std::vector<std::string> problems_of(const AdamWOptions& optimizer,
                                     const std::vector<std::string>& freeze) {
  try {
    grouped(tests::tiny_llama_json(), optimizer, freeze);
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

AdamWOptions with_groups(std::vector<ParameterGroupConfig> groups) {
  AdamWOptions optimizer;
  optimizer.weight_decay = 0.1;
  optimizer.groups = std::move(groups);
  return optimizer;
}

TEST(TrainableParameters, WithoutGroupsAreMatricesAndTheRestInTheOrderOfTheModel) {
  Transformer student = shapes_of(tests::tiny_llama_json());
  ObjectiveParameters none = no_parameters();
  std::vector<std::string> names, trained;
  student.visit([&](const std::string& name, Parameter&, bool) { names.push_back(name); });
  std::vector<ParameterGroup> groups;
  for (const ParameterRef& parameter : trainable_parameters(student, none, with_groups({}), {})) {
    trained.push_back(parameter.name);
    EXPECT_EQ(parameter.group.weight_decay, parameter.value->dim() >= 2 ? 0.1 : 0.0);
    if (std::find(groups.begin(), groups.end(), parameter.group) == groups.end()) {
      groups.push_back(parameter.group);
    }
  }
  EXPECT_EQ(trained, names);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].weight_decay, 0.1);  // as checkpoints and sums were before there were groups
  EXPECT_EQ(groups[0].lr_scale, 1.0);
  EXPECT_EQ(groups[1].lr_scale, 1.0);
}

TEST(TrainableParameters, BelongToTheFirstGroupThatIsFound) {
  const auto groups =
      grouped(tests::tiny_llama_json(),
              with_groups({{"layers\\.0\\.mlp", 0.5, 0.2}, {"layers\\.0", 0.25, std::nullopt}}));
  EXPECT_EQ(groups.at("model.layers.0.mlp.up_proj.weight").lr_scale, 0.5);
  EXPECT_EQ(groups.at("model.layers.0.mlp.up_proj.weight").weight_decay, 0.2);
  EXPECT_EQ(groups.at("model.layers.0.self_attn.q_proj.weight").lr_scale, 0.25);
  EXPECT_EQ(groups.at("model.layers.0.self_attn.q_proj.weight").weight_decay, 0.1);
  EXPECT_EQ(groups.at("model.layers.1.mlp.up_proj.weight").lr_scale, 1.0);
}

TEST(TrainableParameters, NormsDecayOnlyWhereTheirGroupSaysSo) {
  const auto groups =
      grouped(tests::tiny_llama_json(),
              with_groups({{"layers\\.0\\.", 1.0, 0.2}, {"layers\\.1\\.", 0.5, std::nullopt}}));
  EXPECT_EQ(groups.at("model.layers.0.input_layernorm.weight").weight_decay, 0.2);
  EXPECT_EQ(groups.at("model.layers.1.input_layernorm.weight").weight_decay, 0.0);
  EXPECT_EQ(groups.at("model.layers.1.input_layernorm.weight").lr_scale, 0.5);
  EXPECT_EQ(groups.at("model.layers.2.input_layernorm.weight").weight_decay, 0.0);
}

TEST(TrainableParameters, PartsOfAFusedTensorGoByItsName) {
  const auto groups = grouped(tests::tiny_gpt2_json(),
                              with_groups({{"c_attn\\.weight$", 0.5, std::nullopt}}), {"h\\.1\\."});
  for (const char* part : {"0", "1", "2"}) {
    EXPECT_EQ(groups.at(std::string("transformer.h.0.attn.c_attn.weight#") + part).lr_scale, 0.5);
    EXPECT_EQ(groups.count(std::string("transformer.h.1.attn.c_attn.weight#") + part), 0u);
  }
}

TEST(TrainableParameters, APatternThatChangesNothingIsAnErrorWithNames) {
  EXPECT_THAT(
      problems_of(with_groups({{"layer\\.0", 0.5, std::nullopt}}), {"lm_head", "experts"}),
      ElementsAre(
          AllOf(HasSubstr("student.freeze: 'experts' is found in no parameter's name"),
                HasSubstr("model.embed_tokens.weight, "), HasSubstr(", lm_head.weight and others")),
          HasSubstr("optimizer.groups.0.match: 'layer\\.0' is found in no")));
}

TEST(TrainableParameters, AGroupThatOthersLeaveNothingIsAnError) {
  EXPECT_THAT(problems_of(with_groups({{"mlp", 0.5, std::nullopt},
                                       {"up_proj", 0.5, std::nullopt},
                                       {"lm_head", 0.5, std::nullopt}}),
                          {"lm_head"}),
              ElementsAre(AllOf(HasSubstr("groups.1.match: 'up_proj' matches only parameters that "
                                          "are frozen or in a group before it"),
                                Not(HasSubstr("embed_tokens"))),
                          HasSubstr("groups.2.match: 'lm_head' matches only")));
}

TEST(TrainableParameters, FreezingTwiceIsNoErrorAndFreezingAllIs) {
  EXPECT_THAT(problems_of({}, {"mlp", "up_proj"}), ElementsAre());
  EXPECT_THAT(problems_of({}, {"model", "head"}),
              ElementsAre("student.freeze: nothing is left to train"));
}

TEST(TrainedPart, CountsParametersByGroup) {
  const TransformerConfig config = transformer_config_from_json(tests::tiny_llama_json(), "tiny");
  const TrainedPart all = plan_trained_part(config, {}, {}, {}, {});
  EXPECT_EQ(all.parameters, parameter_count(config));
  ASSERT_EQ(all.groups.size(), 2u);
  EXPECT_EQ(all.groups[1].tensors, 7);  // two norms a layer, and the last
  EXPECT_EQ(all.groups[1].parameters, 7 * 24);
  const TrainedPart part = plan_trained_part(config, {}, {}, {}, {"embed_tokens", "lm_head"});
  EXPECT_EQ(part.parameters, parameter_count(config) - 2 * 61 * 24);
  EXPECT_EQ(part.groups[0].parameters + part.groups[1].parameters, part.parameters);
}

TEST(TrainedPart, KnowsWhereBackwardEnds) {
  const TransformerConfig config = transformer_config_from_json(tests::tiny_llama_json(), "tiny");
  EXPECT_EQ(plan_trained_part(config, {}, {}, {}, {}).lowest_block, -1);
  EXPECT_EQ(plan_trained_part(config, {}, {}, {}, {"embed_tokens"}).lowest_block, 0);
  EXPECT_EQ(plan_trained_part(config, {}, {}, {}, {"layers\\.[01]\\."}).lowest_block, -1);
  EXPECT_EQ(
      plan_trained_part(config, {}, {}, {}, {"embed_tokens", "layers\\.[01]\\."}).lowest_block, 2);
  EXPECT_EQ(plan_trained_part(config, {}, {}, {}, {"embed_tokens", "layers"}).lowest_block, 3);
  EXPECT_EQ(plan_trained_part(config, {}, {}, {}, {"^model"}).lowest_block, 3);
}

}  // namespace
}  // namespace distill
