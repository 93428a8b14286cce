#include "distill/model/transformer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "distill/core/error.h"
#include "tiny_models.h"

namespace distill {
namespace {

using testing::HasSubstr;

/// Whether the embedding is frozen, and which taps a loss is made of.
struct Case {
  bool frozen = false;
  std::set<Tap> taps;
};

/// Values and gradients of one backward pass over two documents, dropout on.
std::vector<at::Tensor> train_once(const TransformerConfig& config, bool checkpointing,
                                   const Case& wanted) {
  Transformer model = tests::make_model(config);
  model.visit([&](const std::string& name, Parameter& p, bool) {
    const bool embedding = name.find("embed") != std::string::npos ||
                           name.find("wte") != std::string::npos ||
                           name.find("wpe") != std::string::npos;
    p.value.set_requires_grad(!(wanted.frozen && embedding));
  });
  at::manual_seed(5);
  ForwardOptions options;
  options.training = true;
  options.gradient_checkpointing = checkpointing;
  options.taps = wanted.taps;
  const Batch batch = make_batch({tests::random_document(12, 1), tests::random_document(7, 2)});
  const Trace trace = model.forward(batch, options);
  std::vector<at::Tensor> results;
  at::Tensor loss = trace.hidden.pow(2).sum() + at::dropout(trace.hidden, 0.5, true).sum();
  for (const auto& [tap, value] : trace.taps) {
    results.push_back(value.detach());
    // Three users: the order in which their gradients are summed must be the same.
    loss = loss + value.pow(2).sum() + value.sin().sum() + (0.3 * value).exp().sum();
  }
  torch::autograd::backward({loss}, {});
  results.push_back(loss.detach());
  model.visit([&](const std::string& name, Parameter& p, bool) {
    if (p.value.requires_grad() && name != "lm_head.weight") {
      EXPECT_TRUE(p.value.grad().defined()) << name;
      results.push_back(p.value.grad());
    }
  });
  return results;
}

TEST(GradientCheckpointing, ChangesNoBit) {
  const auto tiny = [](Json json, bool tied) {
    json["tie_word_embeddings"] = tied;
    return transformer_config_from_json(json, "tiny");
  };
  std::set<Tap> all{{Tap::Kind::kHidden, 0}, {Tap::Kind::kHidden, 1}, {Tap::Kind::kHidden, 2}};
  for (const auto kind : {Tap::Kind::kQuery, Tap::Kind::kKey, Tap::Kind::kValue}) {
    for (const int layer : {0, 1}) all.insert({kind, layer});
  }
  const std::set<Tap> taps[] = {
      {},  {{Tap::Kind::kHidden, 1}}, {{Tap::Kind::kQuery, 1}}, {{Tap::Kind::kKey, 0}},
      all, {{Tap::Kind::kValue, 1}}};
  for (const bool frozen : {false, true}) {
    for (const TransformerConfig& config :
         {tiny(tests::tiny_llama_json(), !frozen), tiny(tests::tiny_gpt2_json(), !frozen),
          tiny(tests::tiny_qwen3_json(), !frozen), tests::mixed_config()}) {
      for (const std::set<Tap>& wanted : taps) {
        SCOPED_TRACE(config.family + ", " + std::to_string(wanted.size()) + " taps");
        const auto plain = train_once(config, false, {frozen, wanted});
        const auto checkpointed = train_once(config, true, {frozen, wanted});
        ASSERT_EQ(plain.size(), checkpointed.size());
        for (size_t i = 0; i < plain.size(); ++i) {
          ASSERT_TRUE(checkpointed[i].defined());
          EXPECT_TRUE(at::equal(plain[i], checkpointed[i])) << i;
        }
      }
    }
  }
}

TEST(Taps, DoNotChangeTheModel) {
  const Transformer model = tests::make_model(tests::mixed_config());
  const Batch batch = make_batch({tests::random_document(12, 1), tests::random_document(7, 2)});
  ForwardOptions options;
  options.taps = {{Tap::Kind::kHidden, 5}, {Tap::Kind::kKey, 1}, {Tap::Kind::kQuery, 4}};
  const Trace trace = model.forward(batch, options);
  EXPECT_TRUE(at::equal(trace.hidden, model.forward(batch).hidden));
  EXPECT_EQ(trace.taps.at({Tap::Kind::kHidden, 5}).sizes(), (std::vector<int64_t>{19, 24}));
  EXPECT_EQ(trace.taps.at({Tap::Kind::kKey, 1}).sizes(), (std::vector<int64_t>{19, 1, 8}));
  EXPECT_EQ(trace.taps.at({Tap::Kind::kQuery, 4}).sizes(), (std::vector<int64_t>{19, 6, 6}));
}

TEST(Taps, OfLayersThatAreNotThereAreRefused) {
  const Transformer model = tests::make_model(tests::tiny_gpt2_json());
  const auto failure = [&](const Tap& tap) -> std::string {
    ForwardOptions options;
    options.taps = {tap};
    try {
      model.forward(make_batch({tests::random_document(4, 1)}), options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(failure({Tap::Kind::kHidden, 2}), "no error");
  EXPECT_THAT(failure({Tap::Kind::kHidden, 3}), HasSubstr("hidden state of layer 3"));
  EXPECT_EQ(failure({Tap::Kind::kQuery, 1}), "no error");
  EXPECT_THAT(failure({Tap::Kind::kQuery, 2}), HasSubstr("queries of layer 2"));
  EXPECT_THAT(failure({Tap::Kind::kKey, -1}), HasSubstr("its blocks are 0 to 1"));
}

TEST(Transformer, DropoutIsOffUnlessTraining) {
  const Transformer model = tests::make_model(tests::tiny_gpt2_json());
  const Batch batch = make_batch({tests::random_document(12, 1)});
  const at::Tensor once = model.forward(batch).hidden, twice = model.forward(batch).hidden;
  EXPECT_TRUE(at::equal(once, twice));
  ForwardOptions training;
  training.training = true;
  EXPECT_FALSE(at::equal(once, model.forward(batch, training).hidden));
}

TEST(Transformer, RefusesWhatItCannotRead) {
  const Transformer model = tests::make_model(tests::tiny_gpt2_json());
  const auto run = [&](const Document& document) { model.forward(make_batch({document})); };
  try {
    run({{1, 61, 3}, {true, true, true}, {}});
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("token id 61 is outside the model's vocabulary of 61"));
  }
  EXPECT_THROW(run({{1, -5}, {true, true}, {}}), DataError);
  EXPECT_THROW(run(tests::random_document(33, 1)), DataError);
}

TEST(Transformer, TheEmbeddingAddsIntoItsAccumulator) {
  Json json = tests::tiny_llama_json();
  Transformer model = tests::make_model(json, at::kBFloat16);
  Parameter& table = model.modules().token_embedding;
  table.value.set_requires_grad(true);
  table.gradient = at::zeros({61, 24}, at::kFloat);
  const Batch batch = make_batch({tests::random_document(12, 1)});
  torch::autograd::backward({model.forward(batch).hidden.sum()}, {});
  EXPECT_GT(table.gradient.abs().sum().item<double>(), 0.0);
  EXPECT_FALSE(table.value.grad().defined());
}

}  // namespace
}  // namespace distill
