// Steps of a student of which a part is frozen.
#include <gtest/gtest.h>

#include <map>

#include "distill/core/regex.h"
#include "distill/train/train_step.h"
#include "train/parameter_groups.h"
#include "unit/model/tiny_models.h"
#include "unit/objective/make_objective.h"

namespace distill {
namespace {

using Tensors = std::map<std::string, at::Tensor>;
using Patterns = std::vector<std::string>;

struct Settings {
  Json json;
  at::ScalarType dtype = at::kFloat;
  bool gradient_checkpointing = false;
};

/// What two steps leave behind, by parameter.
struct Outcome {
  Tensors before, after;
  Tensors gradients;  // of the first step; undefined: none
  std::vector<std::string> state;
};

Outcome train_twice(const Settings& settings, const Patterns& freeze) {
  Transformer student = tests::make_model(settings.json, settings.dtype);
  std::vector<ObjectiveTerm> objectives;
  objectives.push_back({"cross_entropy", make_objective("cross_entropy")});
  AdamWOptions optimizer;
  optimizer.weight_decay = 0.1;
  Outcome outcome;
  student.visit([&](const std::string& name, Parameter& parameter, bool) {
    outcome.before[name] = parameter.value.clone();
  });
  LossStep loss(student, nullptr);
  TrainStep step(student, loss, objectives, optimizer,
                 {0.0, settings.gradient_checkpointing, freeze});
  at::manual_seed(5);
  const Batch batch = make_batch({tests::random_document(12, 1), tests::random_document(7, 2)});
  step.run({batch}, 0.02, {0, 2});
  student.visit([&](const std::string& name, Parameter& parameter, bool) {
    const at::Tensor& gradient = parameter.gradient;
    outcome.gradients[name] = gradient.defined() ? gradient.clone() : gradient;
  });
  step.run({batch}, 0.02, {1, 2});
  student.visit([&](const std::string& name, Parameter& parameter, bool) {
    outcome.after[name] = parameter.value.detach().clone();
  });
  for (const auto& [name, tensor] : step.parameters().state()) outcome.state.push_back(name);
  return outcome;
}

/// `whole`: of the same student, nothing frozen.
void expect_only_the_rest_trains(const Settings& settings, const Patterns& freeze,
                                 const Outcome& whole) {
  const Outcome part = train_twice(settings, freeze);
  int64_t trained = 0;
  for (const auto& [name, before] : part.before) {
    SCOPED_TRACE(name);
    const bool frozen = std::any_of(freeze.begin(), freeze.end(), [&n = name](const auto& pattern) {
      return Regex(pattern).found_in(n);
    });
    EXPECT_EQ(at::equal(part.after.at(name), before), frozen);
    EXPECT_EQ(part.after.at(name).scalar_type(), settings.dtype);
    EXPECT_EQ(part.gradients.at(name).defined(), !frozen);
    if (frozen) continue;
    EXPECT_TRUE(at::equal(part.gradients.at(name), whole.gradients.at(name)));
    ++trained;
  }
  EXPECT_LT(trained, static_cast<int64_t>(part.before.size()));
  EXPECT_EQ(static_cast<int64_t>(part.state.size()), 3 * trained);
}

/// Each of the lists in fp32 and bf16, with and without checkpointing.
void expect_only_the_rest_trains(const Json& json, const std::vector<Patterns>& lists) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const bool checkpointing : {false, true}) {
      const Settings settings{json, dtype, checkpointing};
      const Outcome whole = train_twice(settings, {});
      for (const Patterns& freeze : lists) {
        SCOPED_TRACE(freeze[0] + ", " + c10::toString(dtype) +
                     (checkpointing ? ", checkpointing" : ""));
        expect_only_the_rest_trains(settings, freeze, whole);
      }
    }
  }
}

Json llama(bool tied) {
  Json json = tests::tiny_llama_json();
  json["tie_word_embeddings"] = tied;
  return json;
}

TEST(FrozenParameters, OfAStudentWithATiedHead) {
  expect_only_the_rest_trains(
      llama(true), {{"embed_tokens"}, {"layers\\.1\\."}, {"layers\\.2\\.", "model\\.norm"}});
}

TEST(FrozenParameters, OfAStudentWithAHeadOfItsOwn) {
  expect_only_the_rest_trains(llama(false), {{"embed_tokens"},
                                             {"lm_head"},
                                             {"embed_tokens", "lm_head"},
                                             {"embed_tokens", "layers\\.[01]\\."},
                                             {"proj"},
                                             {"^model\\."}});
}

TEST(FrozenParameters, OfAStudentWithPositionsAndBiases) {
  expect_only_the_rest_trains(tests::tiny_gpt2_json(),
                              {{"wpe"}, {"wte", "wpe", "h\\.0\\."}, {"bias", "attn"}});
}

TEST(FrozenParameters, BackwardEndsAtTheLowestTrainedOne) {
  for (const bool checkpointing : {false, true}) {
    Transformer student = tests::make_model(llama(false));
    ObjectiveParameters none({}, {}, at::kCPU, 0);
    const FlatParameters parameters(
        trainable_parameters(student, none, {}, {"embed_tokens", "layers\\.[01]\\."}));
    ForwardOptions options;
    options.training = true;
    options.gradient_checkpointing = checkpointing;
    for (int layer = 0; layer <= 3; ++layer) options.taps.insert({Tap::Kind::kHidden, layer});
    const Trace trace = student.forward(make_batch({tests::random_document(12, 1)}), options);
    for (int layer = 0; layer <= 3; ++layer) {
      EXPECT_EQ(trace.taps.at({Tap::Kind::kHidden, layer}).requires_grad(), layer == 3) << layer;
    }
  }
}

}  // namespace
}  // namespace distill
