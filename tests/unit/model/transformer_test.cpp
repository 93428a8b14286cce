#include "distill/model/transformer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "distill/core/error.h"
#include "tiny_models.h"

namespace distill {
namespace {

using testing::HasSubstr;

/// Values and gradients of one backward pass over two documents, dropout on.
std::vector<at::Tensor> train_once(const Json& json, bool checkpointing, bool freeze_embedding,
                                   bool tap_hidden) {
  Transformer model = tests::make_model(json);
  model.visit([&](const std::string& name, Parameter& p, bool) {
    const bool embedding = name.find("embed") != std::string::npos ||
                           name.find("wte") != std::string::npos ||
                           name.find("wpe") != std::string::npos;
    p.value.set_requires_grad(!(freeze_embedding && embedding));
  });
  at::manual_seed(5);
  ForwardOptions options;
  options.training = true;
  options.gradient_checkpointing = checkpointing;
  options.taps = {{Tap::Kind::kAttention, 1}};
  if (tap_hidden) options.taps.insert({Tap::Kind::kHidden, 1});
  const Batch batch = make_batch({tests::random_document(12, 1), tests::random_document(7, 2)});
  const Trace trace = model.forward(batch, options);
  at::Tensor loss = trace.hidden.pow(2).sum() +
                    trace.taps.at({Tap::Kind::kAttention, 1}).pow(2).sum() +
                    at::dropout(trace.hidden, 0.5, true).sum();
  if (tap_hidden) loss = loss + trace.taps.at({Tap::Kind::kHidden, 1}).sin().sum();
  torch::autograd::backward({loss}, {});
  std::vector<at::Tensor> results{loss.detach()};
  model.visit([&](const std::string& name, Parameter& p, bool) {
    if (p.value.requires_grad() && name != "lm_head.weight") {
      EXPECT_TRUE(p.value.grad().defined()) << name;
      results.push_back(p.value.grad());
    }
  });
  return results;
}

TEST(GradientCheckpointing, ChangesNoBit) {
  Json llama = tests::tiny_llama_json();
  llama["tie_word_embeddings"] = true;
  Json gpt2 = tests::tiny_gpt2_json();
  for (const Json& json : {llama, gpt2}) {
    for (const bool frozen : {false, true}) {
      for (const bool tap_hidden : {false, true}) {
        Json untied = json;
        untied["tie_word_embeddings"] = !frozen;
        const auto plain = train_once(untied, false, frozen, tap_hidden);
        const auto checkpointed = train_once(untied, true, frozen, tap_hidden);
        ASSERT_EQ(plain.size(), checkpointed.size());
        for (size_t i = 0; i < plain.size(); ++i) {
          ASSERT_TRUE(checkpointed[i].defined());
          EXPECT_TRUE(at::equal(plain[i], checkpointed[i])) << i;
        }
      }
    }
  }
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
  ForwardOptions options;
  options.taps = {{Tap::Kind::kHidden, 3}};
  EXPECT_THROW(model.forward(make_batch({tests::random_document(4, 1)}), options), ConfigError);
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
