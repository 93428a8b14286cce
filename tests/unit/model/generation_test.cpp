#include "distill/model/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "distill/core/error.h"
#include "distill/model/sequence_cache.h"
#include "model/sampling.h"
#include "tiny_models.h"

namespace distill {
namespace {

using testing::ElementsAre;

std::vector<std::vector<int64_t>> some_prompts() {
  std::vector<std::vector<int64_t>> prompts;
  for (uint64_t n = 0; n < 7; ++n) {
    prompts.push_back(tests::random_document(static_cast<int64_t>(1 + n), n).tokens);
  }
  return prompts;
}

/// Without a cache, a prompt at a time.
std::vector<int64_t> greedy_by_hand(const Transformer& model, std::vector<int64_t> ids,
                                    int64_t count, const std::vector<int64_t>& stops) {
  std::vector<int64_t> answer;
  while (static_cast<int64_t>(answer.size()) < count) {
    const Batch batch = make_batch({{ids, std::vector<bool>(ids.size()), {}}});
    const at::Tensor last = model.forward(batch).hidden.narrow(0, batch.token_count() - 1, 1);
    ids.push_back(model.head().logits(last).argmax().item<int64_t>());
    answer.push_back(ids.back());
    if (std::find(stops.begin(), stops.end(), ids.back()) != stops.end()) break;
  }
  return answer;
}

TEST(Generate, GreedyEqualsForwardWithoutACache) {
  std::vector<TransformerConfig> configs{tests::mixed_config()};
  for (const Json& json : tests::tiny_families()) {
    configs.push_back(transformer_config_from_json(json, "tiny"));
  }
  for (const TransformerConfig& config : configs) {
    const Transformer model = tests::make_model(config, at::kDouble);
    SamplingOptions options;
    options.max_new_tokens = 20;
    options.stop_ids = {3, 11, 40};
    const auto prompts = some_prompts();
    for (const int64_t batch_size : {1, 3, 100}) {
      const auto answers = generate(model, prompts, options, batch_size);
      for (size_t n = 0; n < prompts.size(); ++n) {
        EXPECT_EQ(answers[n], greedy_by_hand(model, prompts[n], 20, options.stop_ids)) << n;
      }
    }
  }
}

TEST(Generate, SamplingDoesNotDependOnTheBatch) {
  const Transformer model = tests::make_model(tests::tiny_llama_json(), at::kDouble);
  SamplingOptions options;
  options.max_new_tokens = 15;
  options.temperature = 1.5;
  options.top_p = 0.9;
  options.seed = 3;
  const auto alone = generate(model, some_prompts(), options, 1);
  EXPECT_EQ(alone, generate(model, some_prompts(), options, 4));
  EXPECT_EQ(alone, generate(model, some_prompts(), options, 7));
  options.seed = 4;
  EXPECT_NE(alone, generate(model, some_prompts(), options, 7));
}

/// In bfloat16 the company of a prompt shows in its logits, so that tokens change with it.
struct Sampled {
  Transformer model = tests::make_model(tests::tiny_llama_json(), at::kBFloat16);
  std::vector<std::vector<int64_t>> prompts;
  SamplingOptions options;

  Sampled() {
    for (uint64_t n = 0; n < 16; ++n) {
      prompts.push_back(tests::random_document(static_cast<int64_t>(1 + n % 9), n).tokens);
    }
    options.max_new_tokens = 60;  // the cache grows
    options.temperature = 1.0;
    options.seed = 5;
    options.stop_ids = {3, 11};
  }
};

TEST(Generate, HandsOverEachAnswerOnceItIsFinished) {
  const Sampled run;
  std::vector<size_t> order;
  Answers given(run.prompts.size());
  const Answers answers = generate(run.model, run.prompts, run.options, 5,
                                   [&](size_t n, const std::vector<int64_t>& ids) {
                                     order.push_back(n);
                                     given[n] = ids;
                                   });
  EXPECT_EQ(given, answers);
  EXPECT_EQ(order.size(), run.prompts.size());
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));  // a short answer does not wait
}

TEST(Generate, WhatIsKnownIsNotGeneratedAndTheRestIsTheSameToTheLastBit) {
  const Sampled run;
  std::vector<size_t> order;
  const Answers whole =
      generate(run.model, run.prompts, run.options, 5,
               [&](size_t n, const std::vector<int64_t>&) { order.push_back(n); });
  EXPECT_NE(whole, generate(run.model, run.prompts, run.options, 3));  // company shows
  for (size_t finished = 0; finished <= order.size(); finished += 3) {
    Answers known(whole.size());
    for (size_t i = 0; i < finished; ++i) known[order[i]] = whole[order[i]];
    std::vector<size_t> rest;
    const Answers resumed = generate(
        run.model, run.prompts, run.options, 5,
        [&](size_t n, const std::vector<int64_t>&) { rest.push_back(n); }, known);
    EXPECT_EQ(resumed, whole) << finished;
    EXPECT_EQ(rest,
              std::vector<size_t>(order.begin() + static_cast<int64_t>(finished), order.end()));
  }
  Answers some(whole.size());  // not what was finished first
  for (const size_t n : {1U, 2U, 8U, 13U}) some[n] = whole[n];
  EXPECT_EQ(generate(run.model, run.prompts, run.options, 5, {}, some), whole);
}

TEST(Generate, PassesThatOnlyKnownAnswersNeedAreLeftOut) {
  Sampled run;
  const Answers whole = generate(run.model, run.prompts, run.options, 5);
  run.prompts.back() = {99};  // outside the vocabulary: a pass that reads it throws
  EXPECT_THROW(generate(run.model, run.prompts, run.options, 5), DataError);
  EXPECT_EQ(generate(run.model, run.prompts, run.options, 5, {}, whole), whole);
}

TEST(Generate, RefusesKnownAnswersOfOtherOptions) {
  const Sampled run;
  for (const std::vector<int64_t>& ids : {std::vector<int64_t>{5}, {3, 5}, {5, 3, 3}}) {
    Answers known(run.prompts.size());
    known[4] = ids;
    try {
      generate(run.model, run.prompts, run.options, 5, {}, known);
      FAIL();
    } catch (const DataError& error) {
      EXPECT_STREQ(error.what(),
                   "the known answer to prompt 4 does not end where these options end one");
    }
  }
  EXPECT_THROW(generate(run.model, run.prompts, run.options, 5, {}, Answers(3)), Error);
}

TEST(Generate, RefusesBadRequests) {
  const Transformer model = tests::make_model(tests::tiny_gpt2_json());
  SamplingOptions options;
  EXPECT_THROW(generate(model, {{1}, {}}, options, 2), DataError);
  EXPECT_THROW(generate(model, {{1, 99}}, options, 2), DataError);
  options.max_new_tokens = 32;  // one more than the positions hold
  EXPECT_THROW(generate(model, {{1, 2}}, options, 2), DataError);
  options.top_p = 0.0;
  EXPECT_THROW(generate(model, {{1}}, options, 2), ConfigError);
  EXPECT_TRUE(generate(model, {}, SamplingOptions{}, 2).empty());
}

/// Frequencies of 20000 draws from logits log(1..5).
std::vector<double> frequencies(const SamplingOptions& options) {
  Random random(1);
  std::vector<double> counts(5, 0.0);
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> logits;
    for (int v = 1; v <= 5; ++v) logits.push_back(std::log(static_cast<float>(v)));
    counts[static_cast<size_t>(choose_token(logits, options, random))] += 1.0 / 20000;
  }
  return counts;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& weights) {
  double total = 0.0;
  for (const double weight : weights) total += weight;
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], weights[i] / total, 0.015) << i;
}

TEST(ChooseToken, DrawsFromTheFilteredDistribution) {
  SamplingOptions options;
  options.temperature = 1.0;
  expect_near(frequencies(options), {1, 2, 3, 4, 5});
  options.temperature = 0.5;  // squares the probabilities
  expect_near(frequencies(options), {1, 4, 9, 16, 25});
  options.temperature = 1.0;
  options.top_k = 2;
  expect_near(frequencies(options), {0, 0, 0, 4, 5});
  options.top_k = 0;
  options.top_p = 0.7;  // 5 + 4 of 15 is 0.6, with 3 it is 0.8
  expect_near(frequencies(options), {0, 0, 3, 4, 5});
  options.top_p = 0.01;
  expect_near(frequencies(options), {0, 0, 0, 0, 1});
}

TEST(ChooseToken, PenaltyMovesBothSignsDown) {
  std::vector<float> logits{2.0F, -2.0F, 1.0F, -1.0F};
  const std::vector<int64_t> seen{0, 1, 0};
  penalise_repetition(logits, seen, 2.0);
  EXPECT_THAT(logits, ElementsAre(1.0F, -4.0F, 1.0F, -1.0F));
}

TEST(ChooseToken, RefusesNaN) {
  std::vector<float> logits{1.0F, std::nanf("")};
  Random random(1);
  EXPECT_THROW(choose_token(logits, {}, random), DataError);
}

TEST(SequenceCache, ACopiedSequenceSharesItsPrefix) {
  const Transformer model = tests::make_model(tests::tiny_llama_json(), at::kDouble);
  const Document prefix = tests::random_document(6, 1);
  const Document left = tests::random_document(3, 2), right = tests::random_document(1, 3);
  SequenceCache cache(model.config(), at::kDouble, at::kCPU);
  cache.add(1);
  ForwardOptions options;
  options.cache = &cache;
  model.forward(make_batch({prefix}), options);
  cache.keep({0, 0});
  Batch ends = make_batch({left, right});
  ends.positions = ends.positions + 6;
  const at::Tensor hidden = model.forward(ends, options).hidden;
  EXPECT_THAT(cache.lengths(), ElementsAre(9, 7));
  int64_t row = 0;
  for (const Document& end : {left, right}) {
    Document whole = prefix;
    whole.tokens.insert(whole.tokens.end(), end.tokens.begin(), end.tokens.end());
    whole.is_target.resize(whole.tokens.size());
    const auto size = static_cast<int64_t>(end.tokens.size());
    const at::Tensor want = model.forward(make_batch({whole})).hidden.narrow(0, 6, size);
    EXPECT_TRUE(at::allclose(hidden.narrow(0, row, size), want, 1e-10, 1e-12));
    row += size;
  }
  EXPECT_THROW(model.forward(make_batch({prefix}), options), Error);
}

TEST(SequenceCache, WantsADocumentForEachSequence) {
  for (const Json& json : {tests::tiny_llama_json(), tests::tiny_gpt2_json()}) {
    const Transformer model = tests::make_model(json);
    SequenceCache cache(model.config(), at::kFloat, at::kCPU);
    cache.add(2);
    const Document document = tests::random_document(3, 1);
    for (const size_t documents : {1u, 3u}) {
      const Batch batch = make_batch(std::vector<Document>(documents, document));
      ForwardOptions options;
      options.cache = &cache;
      try {
        model.forward(batch, options);
        FAIL();
      } catch (const Error& error) {
        EXPECT_EQ(error.what(), "a batch of " + std::to_string(documents) +
                                    " documents does not continue a cache of 2 sequences");
      }
    }
  }
}

}  // namespace
}  // namespace distill
