#include "distill/model/transformer_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    const RotaryConfig rotary = transformer_config_from_json(json, "x").rotary;
    EXPECT_EQ(rotary.theta, 5e5);
    EXPECT_EQ(rotary.scaling, RotaryScaling::kLinear);
    EXPECT_EQ(rotary.factor, 4.0);
  }
}

TEST(TransformerConfig, QwenWindowsFollowTheirRules) {
  Json json = qwen2_7b();
  json["num_hidden_layers"] = 4;
  EXPECT_THAT(transformer_config_from_json(json, "x").windows, ElementsAre(0, 0, 0, 0));
  json["use_sliding_window"] = true;
  json["sliding_window"] = 16;
  json["max_window_layers"] = 3;
  EXPECT_THAT(transformer_config_from_json(json, "x").windows, ElementsAre(0, 0, 0, 16));
  json["layer_types"] = {"sliding_attention", "full_attention", "full_attention",
                         "sliding_attention"};
  EXPECT_THAT(transformer_config_from_json(json, "x").windows, ElementsAre(16, 0, 0, 16));
  json["layer_types"].erase(0);
  EXPECT_THAT(failure(json), HasSubstr("layer_types: expected a list of 4 names"));
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
  TransformerConfig config = transformer_config_from_json(json, "x");
  config.num_layers = 2;
  config.windows = {0, 8};
  const Json written = transformer_config_to_json(config, at::kBFloat16);
  json["num_hidden_layers"] = 2;
  json["torch_dtype"] = "bfloat16";
  json["layer_types"] = {"full_attention", "sliding_attention"};
  EXPECT_EQ(written, json);
}

}  // namespace
}  // namespace distill
