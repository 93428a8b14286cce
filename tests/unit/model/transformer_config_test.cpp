#include "distill/model/transformer_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "distill/core/error.h"
#include "tiny_models.h"

namespace distill {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string failure(const Json& json) {
  try {
    transformer_config_from_json(json, "here/config.json");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

/// The published figures of Qwen2-7B-Instruct.
Json qwen2_7b() {
  return parse_json(R"({"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944,
    "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
    "max_position_embeddings": 32768, "max_window_layers": 28, "rope_theta": 1000000.0,
    "sliding_window": 131072, "use_sliding_window": false, "tie_word_embeddings": false,
    "vocab_size": 152064, "eos_token_id": [151645, 151643], "torch_dtype": "bfloat16"})",
                    "qwen2");
}

TEST(TransformerConfig, CountsTheParametersOfAModelThatWouldNotFit) {
  EXPECT_EQ(parameter_count(transformer_config_from_json(qwen2_7b(), "qwen2")), 7615616512);
}

TEST(TransformerConfig, ReadsBothSpellingsOfRope) {
  Json old = tests::tiny_llama_json(), current = old;
  old["rope_theta"] = 5e5;
  old["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  current["rope_parameters"] = {{"rope_theta", 5e5}, {"rope_type", "linear"}, {"factor", 4.0}};
  for (const Json& json : {old, current}) {
    const TransformerConfig config = transformer_config_from_json(json, "x");
    ASSERT_EQ(config.rotaries.size(), 1u);
    const RotaryConfig& rotary = config.rotaries[0];
    EXPECT_EQ(config.layers[2].rotary, 0u);
    EXPECT_EQ(rotary.theta, 5e5);
    EXPECT_EQ(rotary.scaling, RotaryScaling::kLinear);
    EXPECT_EQ(rotary.factor, 4.0);
  }
}

RotaryConfig rotary_of(const Json& changes) {
  Json json = tests::tiny_llama_json();
  json.update(changes);
  return transformer_config_from_json(json, "x").rotaries.at(0);
}

TEST(TransformerConfig, RopeKeysOutrankEachOtherAsInTransformers) {
  const Json current = {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", 3e4}};
  const Json old = {{"type", "linear"}, {"factor", 8.0}, {"rope_theta", 7e4}};
  const RotaryConfig both = rotary_of({{"rope_parameters", current}, {"rope_scaling", old}});
  EXPECT_EQ(both.factor, 8.0);
  EXPECT_EQ(both.theta, 7e4);
  for (const Json& none : {Json(nullptr), Json::object()}) {
    const RotaryConfig rotary = rotary_of({{"rope_parameters", current}, {"rope_scaling", none}});
    EXPECT_EQ(rotary.factor, 2.0);
    EXPECT_EQ(rotary.theta, 3e4);
  }
  EXPECT_EQ(rotary_of({{"rope_theta", 5e5}, {"rope_scaling", old}}).theta, 7e4);
  const std::string key = "original_max_position_embeddings";
  Json llama3 = {{"rope_type", "llama3"}, {"factor", 8.0}};
  EXPECT_EQ(rotary_of({{"rope_scaling", llama3}}).original_max_positions, 64);
  llama3[key] = 32;
  EXPECT_EQ(rotary_of({{"rope_scaling", llama3}}).original_max_positions, 32);
  EXPECT_EQ(rotary_of({{"rope_scaling", llama3}, {key, 16}}).original_max_positions, 16);
}

std::vector<int64_t> windows_of(const Json& json) {
  std::vector<int64_t> windows;
  for (const LayerConfig& layer : transformer_config_from_json(json, "x").layers) {
    windows.push_back(layer.window);
  }
  return windows;
}

TEST(TransformerConfig, QwenWindowsFollowTheirRules) {
  Json json = qwen2_7b();
  json["num_hidden_layers"] = 4;
  EXPECT_THAT(windows_of(json), ElementsAre(0, 0, 0, 0));
  json["use_sliding_window"] = true;
  json["sliding_window"] = 16;
  json["max_window_layers"] = 3;
  EXPECT_THAT(windows_of(json), ElementsAre(0, 0, 0, 16));
  json["layer_types"] = {"sliding_attention", "full_attention", "full_attention",
                         "sliding_attention"};
  EXPECT_THAT(windows_of(json), ElementsAre(16, 0, 0, 16));
  json["layer_types"].erase(0);
  EXPECT_THAT(failure(json), HasSubstr("layer_types: expected a list of 4 names"));
}

TEST(TransformerConfig, MistralHasItsWindowWhereLayerTypesSaysSo) {
  Json json = tests::tiny_mistral_json();
  EXPECT_THAT(windows_of(json), ElementsAre(5, 5, 5));
  json["layer_types"] = {"full_attention", "sliding_attention", "full_attention"};
  EXPECT_THAT(windows_of(json), ElementsAre(0, 5, 0));
  const TransformerConfig selected = select_layers(transformer_config_from_json(json, "x"), {1, 0});
  EXPECT_THAT(windows_of(transformer_config_to_json(selected, at::kFloat)), ElementsAre(5, 0));
}

TEST(TransformerConfig, ReadsSeveralEndTokens) {
  EXPECT_THAT(transformer_config_from_json(qwen2_7b(), "x").eos_ids, ElementsAre(151645, 151643));
}

TEST(TransformerConfig, RefusesByName) {
  Json json = tests::tiny_llama_json();
  const auto with = [&](const std::string& key, const Json& value) {
    Json changed = json;
    changed[key] = value;
    return failure(changed);
  };
  EXPECT_THAT(with("model_type", "mamba"),
              AllOf(HasSubstr("here/config.json"), HasSubstr("\"mamba\""),
                    HasSubstr("gpt2, llama, mistral, qwen2, qwen3")));
  EXPECT_THAT(with("rope_scaling", {{"rope_type", "yarn"}, {"factor", 2.0}}),
              AllOf(HasSubstr("\"yarn\""), HasSubstr("default, linear, llama3")));
  EXPECT_THAT(with("rope_scaling", {{"rope_type", "linear"}}), HasSubstr("factor: missing"));
  EXPECT_THAT(with("rope_parameters", {{"full_attention", {{"rope_theta", 1e6}}}}),
              AllOf(HasSubstr("rope_parameters: full_attention"), HasSubstr("not supported")));
  EXPECT_THAT(with("rope_theta", -1.0), HasSubstr("must be positive"));
  EXPECT_THAT(with("is_causal", false), HasSubstr("is_causal: false is not supported"));
  EXPECT_THAT(with("hidden_act", "quick"), HasSubstr("hidden_act: \"quick\""));
  EXPECT_THAT(with("num_key_value_heads", 3), HasSubstr("4 attention heads are no multiple of 3"));
  EXPECT_THAT(with("hidden_size", 0), HasSubstr("hidden_size"));
  EXPECT_THAT(with("hidden_size", int64_t{1} << 40), HasSubstr("hidden_size"));
  EXPECT_THAT(with("num_hidden_layers", 1 << 30), HasSubstr("layers"));
  EXPECT_THAT(with("head_dim", 5), HasSubstr("even width"));
  EXPECT_THAT(with("attention_dropout", 1.0), HasSubstr("attention_dropout"));
  EXPECT_THAT(with("eos_token_id", "two"), HasSubstr("eos_token_id"));
  json.erase("hidden_size");
  EXPECT_THAT(failure(json), HasSubstr("hidden_size"));
  Json gpt2 = tests::tiny_gpt2_json();
  gpt2["scale_attn_by_inverse_layer_idx"] = true;
  EXPECT_THAT(failure(gpt2), HasSubstr("scale_attn_by_inverse_layer_idx"));
}

TEST(TransformerConfig, WritesBackEveryKey) {
  Json json = tests::tiny_llama_json();
  json["something_of_its_own"] = {1, 2, 3};
  const TransformerConfig config = transformer_config_from_json(json, "x");
  const Json written = transformer_config_to_json(select_layers(config, {2, 0}), at::kBFloat16);
  json["num_hidden_layers"] = 2;
  json["torch_dtype"] = "bfloat16";
  EXPECT_EQ(written, json);
}

TEST(TransformerConfig, WritesTheNumberOfLayersUnderEachOfItsNames) {
  for (Json json : {tests::tiny_llama_json(), tests::tiny_gpt2_json()}) {
    json["n_layer"] = json["num_hidden_layers"] = 3;
    const TransformerConfig config = transformer_config_from_json(json, "x");
    const Json written = transformer_config_to_json(select_layers(config, {0, 1}), at::kFloat);
    EXPECT_EQ(written["n_layer"], 2);
    EXPECT_EQ(written["num_hidden_layers"], 2);
    EXPECT_EQ(transformer_config_from_json(written, "x").num_layers(), 2);
  }
}

TEST(TransformerConfig, WritesTheWindowsOfLayersThatWereSelected) {
  Json json = tests::tiny_qwen2_json();  // a window from layer 2 on
  const TransformerConfig config = transformer_config_from_json(json, "x");
  const auto written_types = [&](const std::vector<int64_t>& layers) {
    const TransformerConfig selected = select_layers(config, layers);
    const Json written = transformer_config_to_json(selected, at::kFloat);
    EXPECT_EQ(transformer_config_from_json(written, "x").layers, selected.layers);
    return written.value("layer_types", Json::array());
  };
  EXPECT_THAT(written_types({3, 0, 2}),
              ElementsAre("sliding_attention", "full_attention", "sliding_attention"));
  // All alike, but not what max_window_layers says of two layers.
  EXPECT_THAT(written_types({2, 3}), ElementsAre("sliding_attention", "sliding_attention"));
  EXPECT_THAT(written_types({0, 1}), ElementsAre());
}

TEST(TransformerConfig, RefusesToWriteLayersThatTheFamilyCannotDescribe) {
  const auto failure_of = [](const auto& change) -> std::string {
    TransformerConfig config = transformer_config_from_json(tests::tiny_llama_json(), "x");
    change(config);
    try {
      transformer_config_to_json(config, at::kFloat);
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(failure_of([](TransformerConfig&) {}), "no error");
  EXPECT_THAT(failure_of([](TransformerConfig& config) { config.layers[1].window = 8; }),
              AllOf(HasSubstr("llama"), HasSubstr("layer 1")));
  EXPECT_THAT(failure_of([](TransformerConfig& config) { config.layers[2].rotary.reset(); }),
              HasSubstr("layer 2"));
  EXPECT_THAT(failure_of([](TransformerConfig& config) { config.rotaries[0].theta = 5.0; }),
              HasSubstr("the rotary positions"));
}

TEST(TransformerConfig, SelectsLayersInTheOrderGiven) {
  TransformerConfig config = transformer_config_from_json(tests::tiny_llama_json(), "x");
  for (int64_t i = 0; i < 3; ++i) config.layers[static_cast<size_t>(i)].window = 10 + i;
  const TransformerConfig selected = select_layers(config, {2, 0, 2, 1});
  EXPECT_EQ(selected.num_layers(), 4);
  for (const auto& [place, layer] : {std::pair{0, 2}, {1, 0}, {2, 2}, {3, 1}}) {
    EXPECT_EQ(selected.layers[static_cast<size_t>(place)],
              config.layers[static_cast<size_t>(layer)]);
  }
  EXPECT_EQ(selected.rotaries, config.rotaries);
}

TEST(TransformerConfig, ALayerAttendsAsItsConfigSays) {
  TransformerConfig config = transformer_config_from_json(tests::tiny_llama_json(), "x");
  config.layers[1].head_dim = 16;
  config.layers[1].window = 7;
  config.layers[2].attention_scale = 0.3;
  config.attention_softcap = 4.0;
  EXPECT_EQ(attention_options(config, 0).scale, 1.0 / std::sqrt(6.0));
  EXPECT_EQ(attention_options(config, 1).scale, 0.25);
  EXPECT_EQ(attention_options(config, 2).scale, 0.3);
  EXPECT_EQ(attention_options(config, 0).window, 0);
  EXPECT_EQ(attention_options(config, 1).window, 7);
  EXPECT_EQ(attention_options(config, 1).softcap, 4.0);
  EXPECT_TRUE(attention_options(config, 1).causal);
  EXPECT_EQ(attention_options(config, 1).dropout, 0.0) << "dropout is of training alone";
}

}  // namespace
}  // namespace distill
