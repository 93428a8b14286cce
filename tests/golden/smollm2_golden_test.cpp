// A real model, SmolLM2-135M-Instruct, against numbers of transformers. Runs where DISTILL_SMOLLM2
// names its folder and build/reference holds the numbers.
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "distill/io/safetensors.h"
#include "distill/model/generation.h"
#include "distill/model/loading.h"
#include "support/fixtures.h"

namespace distill {
namespace {

constexpr const char* kNumbers = DISTILL_SOURCE_DIR "/build/reference/models/smollm2_golden";

class SmolLm2 : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("DISTILL_SMOLLM2");
    if (folder == nullptr) GTEST_SKIP() << "DISTILL_SMOLLM2 names no folder";
    if (!std::filesystem::exists(std::string(kNumbers) + ".json")) {
      GTEST_SKIP() << kNumbers << ".json is not there";
    }
    golden_ = read_json(std::string(kNumbers) + ".json");
    model_.emplace(load_transformer(folder, at::kFloat, at::kCPU));
  }

  at::Tensor logits(const Json& ids) const {
    const auto tokens = ids.get<std::vector<int64_t>>();
    const Batch batch = make_batch({{tokens, std::vector<bool>(tokens.size(), true), {}}});
    return model_->head().logits(model_->forward(batch).hidden);
  }

  Json golden_;
  std::optional<Transformer> model_;
};

TEST_F(SmolLm2, LogitsAndLikelihoodsEqualTransformers) {
  const at::NoGradGuard no_gradient;
  const SafetensorsFile tensors(std::string(kNumbers) + ".safetensors");
  for (size_t n = 0; n < golden_["logits"].size(); ++n) {
    const at::Tensor own = logits(golden_["logits"][n]["ids"]);
    for (const Json& row : golden_["logits"][n]["rows"]) {
      const auto position = row["position"].get<int64_t>();
      const std::string name = "logits." + std::to_string(n) + "." + std::to_string(position);
      if (!tensors.contains(name)) continue;
      EXPECT_LT(golden::max_difference(own[position], tensors.tensor(name)), 3e-4) << name;
    }
  }
  for (size_t n = 0; n < golden_["nll"].size(); ++n) {
    const Json& ids = golden_["nll"][n]["ids"];
    const at::Tensor targets = at::tensor(ids.get<std::vector<int64_t>>(), at::kLong).slice(0, 1);
    const at::Tensor own = at::cross_entropy_loss(logits(ids).slice(0, 0, -1), targets, {},
                                                  /*reduction=*/at::Reduction::None);
    EXPECT_LT(golden::max_difference(own, tensors.tensor("nll." + std::to_string(n))), 1e-3) << n;
  }
}

/// Answers may part where the two best logits are closer than the noise.
TEST_F(SmolLm2, GreedyAnswersEqualTransformers) {
  std::vector<std::vector<int64_t>> prompts;
  for (const Json& one : golden_["greedy"]) {
    prompts.push_back(one["prompt_ids"].get<std::vector<int64_t>>());
  }
  SamplingOptions options;
  options.max_new_tokens = 48;
  options.stop_ids = model_->config().eos_ids;
  const auto answers = generate(*model_, prompts, options, 4);
  for (size_t n = 0; n < prompts.size(); ++n) {
    const Json& one = golden_["greedy"][n];
    for (size_t i = 0; i < one["new_ids"].size(); ++i) {
      if (one["margins"][i].get<double>() < 1e-3) break;
      ASSERT_LT(i, answers[n].size()) << n;
      EXPECT_EQ(answers[n][i], one["new_ids"][i].get<int64_t>()) << n << " token " << i;
    }
  }
}

}  // namespace
}  // namespace distill
