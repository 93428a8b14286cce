// The config.json of published models: sizes, windows and rotations are theirs, in the spelling of
// the Hub and in that of transformers 5, and a part of their layers is saved as what it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

#include "distill/model/transformer_config.h"

namespace distill {
namespace {

struct Published {
  const char* name;
  const char* config;
  int64_t parameters;
  int64_t window;  // of every layer
};

constexpr Published kPublished[] = {
    {"gpt2",
     R"({"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024,
         "n_ctx": 1024, "vocab_size": 50257, "activation_function": "gelu_new",
         "layer_norm_epsilon": 1e-05, "attn_pdrop": 0.1, "embd_pdrop": 0.1, "resid_pdrop": 0.1,
         "bos_token_id": 50256, "eos_token_id": 50256, "initializer_range": 0.02})",
     124439808, 0},
    {"TinyLlama-1.1B",
     R"({"model_type": "llama", "hidden_size": 2048, "intermediate_size": 5632,
         "num_hidden_layers": 22, "num_attention_heads": 32, "num_key_value_heads": 4,
         "max_position_embeddings": 2048, "rms_norm_eps": 1e-05, "rope_scaling": null,
         "rope_theta": 10000.0, "tie_word_embeddings": false, "vocab_size": 32000})",
     1100048384, 0},
    {"Llama-3.2-1B",
     R"({"model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "head_dim": 64,
         "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
         "max_position_embeddings": 131072, "rms_norm_eps": 1e-05, "rope_theta": 500000.0,
         "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                          "original_max_position_embeddings": 8192, "rope_type": "llama3"},
         "tie_word_embeddings": true, "vocab_size": 128256})",
     1235814400, 0},
    {"Mistral-7B-v0.1",
     R"({"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
         "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
         "max_position_embeddings": 32768, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
         "sliding_window": 4096, "tie_word_embeddings": false, "vocab_size": 32000})",
     7241732096, 4096},
    {"Mistral-7B-v0.3",
     R"({"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
         "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
         "max_position_embeddings": 32768, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0,
         "sliding_window": null, "tie_word_embeddings": false, "vocab_size": 32768})",
     7248023552, 0},
    {"Qwen2.5-0.5B",
     R"({"model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864,
         "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
         "max_position_embeddings": 32768, "max_window_layers": 24, "rms_norm_eps": 1e-06,
         "rope_theta": 1000000.0, "sliding_window": 32768, "use_sliding_window": false,
         "tie_word_embeddings": true, "vocab_size": 151936})",
     494032768, 0},
    {"Qwen3-0.6B",
     R"({"model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "head_dim": 128,
         "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
         "attention_bias": false, "max_position_embeddings": 40960, "max_window_layers": 28,
         "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000,
         "sliding_window": null, "use_sliding_window": false, "tie_word_embeddings": true,
         "vocab_size": 151936})",
     596049920, 0},
};

/// As save_pretrained of transformers 5 would write it.
Json current_spelling(Json json) {
  if (!json.contains("rope_theta")) return json;
  Json rope = json.value("rope_scaling", Json());
  if (rope.is_null()) rope = {{"rope_type", "default"}};
  rope["rope_theta"] = json["rope_theta"];
  json.erase("rope_theta");
  json.erase("rope_scaling");
  json["rope_parameters"] = rope;
  return json;
}

class PublishedModels : public testing::TestWithParam<Published> {};

TEST_P(PublishedModels, AreReadAndWritten) {
  const Json json = parse_json(GetParam().config, GetParam().name);
  const TransformerConfig config = transformer_config_from_json(json, "x");
  EXPECT_EQ(parameter_count(config), GetParam().parameters);
  for (const LayerConfig& layer : config.layers) EXPECT_EQ(layer.window, GetParam().window);

  const TransformerConfig current = transformer_config_from_json(current_spelling(json), "x");
  EXPECT_EQ(current.layers, config.layers);
  EXPECT_EQ(current.rotaries, config.rotaries);

  const TransformerConfig part = select_layers(config, {config.num_layers() - 1, 0});
  const Json written = transformer_config_to_json(part, at::kBFloat16);
  const TransformerConfig back = transformer_config_from_json(written, "x");
  EXPECT_EQ(back.layers, part.layers);
  EXPECT_EQ(back.rotaries, part.rotaries);
  EXPECT_FALSE(written.contains("layer_types"));  // their transformers did not know it
}

INSTANTIATE_TEST_SUITE_P(All, PublishedModels, testing::ValuesIn(kPublished),
                         [](const auto& instance) {
                           std::string name = instance.param.name;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

TEST(PublishedWindows, AreInTheUpperLayersOfQwen2) {
  // Qwen2-7B, as its use_sliding_window allows.
  const Json json = parse_json(
      R"({"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944,
          "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
          "max_window_layers": 21, "sliding_window": 131072, "use_sliding_window": true,
          "vocab_size": 152064})",
      "qwen2");
  const TransformerConfig config = transformer_config_from_json(json, "x");
  for (size_t i = 0; i < 28; ++i) EXPECT_EQ(config.layers[i].window, i < 21 ? 0 : 131072) << i;
}

}  // namespace
}  // namespace distill
