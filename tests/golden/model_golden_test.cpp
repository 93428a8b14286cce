// Every tiny checkpoint against the numbers that transformers computed for it. What a committed
// expected.safetensors leaves out is not compared; DISTILL_FIXTURES names a folder with all of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <set>

#include "distill/core/files.h"
#include "distill/io/safetensors.h"
#include "distill/model/generation.h"
#include "distill/model/loading.h"
#include "distill/model/sequence_cache.h"
#include "distill/ops/attention_maps.h"
#include "support/fixtures.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using golden::max_difference;
using golden::relative_difference;
using golden::without_padding;

constexpr double kLogits = 1e-4;  // absolute, fp32
constexpr double kGradients = 1e-4;

std::vector<std::string> find_cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(golden::fixtures_folder() / "models")) {
    if (fs::exists(entry.path() / "config.json") || fs::exists(entry.path() / "qa")) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

at::Tensor cross_entropy(const at::Tensor& logits, const Batch& batch) {
  const at::Tensor rows = logits.index_select(0, batch.loss_rows);
  return at::cross_entropy_loss(rows, batch.targets.index_select(0, batch.loss_rows));
}

class ModelGolden : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const char* later : {"gemma", "bert", "distilbert", "roberta"}) {
      if (GetParam().starts_with(later)) GTEST_SKIP() << GetParam() << ": a family not built yet";
    }
    if (!fs::exists(folder() / "expected.safetensors")) {
      GTEST_SKIP() << GetParam() << " has no expected.safetensors";
    }
    expected_.emplace(folder() / "expected.safetensors");
    inputs_ = read_json(folder() / "inputs.json");
  }

  fs::path folder() const { return golden::fixtures_folder() / "models" / GetParam(); }

  std::optional<at::Tensor> expected(const std::string& name) const {
    if (!expected_->contains(name)) return std::nullopt;
    return expected_->tensor(name);
  }

  /// A folder with the same weights and another config.json.
  fs::path with_config(const std::string& file) const {
    const fs::path made = fs::path(testing::TempDir()) / ("distill_" + GetParam() + "_" + file);
    fs::remove_all(made);
    fs::create_directories(made);
    for (const auto& entry : fs::directory_iterator(folder())) {
      if (entry.path().filename().string().starts_with("model")) {
        fs::create_symlink(fs::absolute(entry.path()), made / entry.path().filename());
      }
    }
    write_file(made / "config.json", read_file(folder() / file));
    return made;
  }

  void compare_rows(const Transformer& model, const std::string& set) const {
    const Batch batch = make_batch(golden::read_rows(inputs_[set]));
    ForwardOptions options;
    const auto layers = static_cast<int>(model.config().num_layers());
    for (int i = 0; i < layers; ++i) {
      for (const auto kind : {Tap::Kind::kHidden, Tap::Kind::kQuery, Tap::Kind::kKey}) {
        options.taps.insert({kind, i});
      }
    }
    const Trace trace = model.forward(batch, options);
    const at::Tensor logits = model.head().logits(trace.hidden);
    if (const auto want = expected(set + ".logits")) {
      EXPECT_LT(max_difference(logits, without_padding(*want, batch)), kLogits) << set;
    }
    if (const auto want = expected(set + ".loss")) {
      EXPECT_LT(max_difference(cross_entropy(logits, batch), *want), 1e-5) << set;
    }
    for (int i = 0; i <= layers; ++i) {
      const auto want = expected(set + ".hidden_states." + std::to_string(i));
      if (!want) continue;
      const at::Tensor& own = i == layers ? trace.hidden : trace.taps.at({Tap::Kind::kHidden, i});
      EXPECT_LT(max_difference(own, without_padding(*want, batch)), kLogits)
          << set << " layer " << i;
    }
    for (int i = 0; i < layers; ++i) {
      const auto want = expected(set + ".attentions." + std::to_string(i));
      if (want) compare_attention(trace, i, attention_options(model.config(), i), *want, batch);
    }
  }

  /// A document at a time, since `want` [B, H, L, L] is padded.
  static void compare_attention(const Trace& trace, int layer, const AttentionOptions& options,
                                const at::Tensor& want, const Batch& batch) {
    const at::Tensor& q = trace.taps.at({Tap::Kind::kQuery, layer});
    const at::Tensor& k = trace.taps.at({Tap::Kind::kKey, layer});
    for (int64_t n = 0; n < batch.document_count(); ++n) {
      const int64_t begin = batch.bounds[static_cast<size_t>(n)];
      const int64_t size = batch.bounds[static_cast<size_t>(n) + 1] - begin;
      const at::Tensor scores = attention_scores(q.narrow(0, begin, size), k.narrow(0, begin, size),
                                                 {.first = 0, .count = q.size(1)}, options);
      EXPECT_LT(max_difference(attention_probabilities(scores, options),
                               want[n].narrow(1, 0, size).narrow(2, 0, size)),
                1e-5);
    }
  }

  std::optional<SafetensorsFile> expected_;
  Json inputs_;
};

TEST_P(ModelGolden, ForwardEqualsTransformers) {
  for (const char* config : {"config.json", "config.v4.json"}) {
    SCOPED_TRACE(config);
    const Transformer model = load_transformer(with_config(config), at::kFloat, at::kCPU);
    for (const char* set : {"padded", "single"}) {
      if (inputs_.contains(set)) compare_rows(model, set);
    }
  }
}

TEST_P(ModelGolden, Fp64AndTokenLogProbabilities) {
  const Transformer model = load_transformer(folder(), at::kDouble, at::kCPU);
  const Batch batch = make_batch(golden::read_rows(inputs_["single"]));
  const at::Tensor logits = model.head().logits(model.forward(batch).hidden);
  EXPECT_EQ(logits.scalar_type(), at::kDouble);
  if (const auto want = expected("single.logits")) {
    EXPECT_LT(max_difference(logits, (*want)[0]), kLogits);
  }
  if (const auto want = expected("single.token_logprobs")) {
    const at::Tensor own = logits.log_softmax(-1)
                               .gather(1, batch.targets.clamp_min(0).unsqueeze(1))
                               .index_select(0, batch.loss_rows)
                               .squeeze(1);
    EXPECT_LT(max_difference(own, *want), kLogits);
  }
}

TEST_P(ModelGolden, GradientsEqualTransformers) {
  for (const bool checkpointing : {false, true}) {
    Transformer model = load_transformer(folder(), at::kFloat, at::kCPU);
    model.visit([](const std::string&, Parameter& p, bool) { p.value.set_requires_grad(true); });
    const Batch batch = make_batch(golden::read_rows(inputs_["single"]));
    ForwardOptions options;
    options.gradient_checkpointing = checkpointing;
    const at::Tensor logits = model.head().logits(model.forward(batch, options).hidden);
    torch::autograd::backward({cross_entropy(logits, batch)}, {});
    const auto gradients =
        checkpoint_tensors(model, [](const Parameter& p) { return p.value.grad(); });
    size_t compared = 0;
    for (const auto& [name, gradient] : gradients) {
      const auto want = expected("grad." + name);
      if (!want) continue;
      ++compared;
      EXPECT_LT(relative_difference(gradient, *want), kGradients) << name;
    }
    size_t offered = 0;
    for (const auto& entry : expected_->entries()) offered += entry.name.starts_with("grad.");
    EXPECT_EQ(compared, offered);
  }
}

TEST_P(ModelGolden, GreedyDecodingEqualsTransformers) {
  const auto want = expected("generate.sequences");
  if (!want) GTEST_SKIP() << GetParam() << " has no generate.sequences";
  const Transformer model = load_transformer(folder(), at::kFloat, at::kCPU);
  const auto prompt = inputs_["generate"]["prompt"].get<std::vector<int64_t>>();
  SamplingOptions options;
  options.max_new_tokens = inputs_["generate"]["new_tokens"].get<int64_t>();
  const auto answers = generate(model, {{5, 9}, prompt, {7}}, options, 2);
  std::vector<int64_t> all = prompt;
  all.insert(all.end(), answers[1].begin(), answers[1].end());
  const at::Tensor ids = (*want)[0].contiguous();
  EXPECT_THAT(all, testing::ElementsAreArray(ids.const_data_ptr<int64_t>(), all.size()));
  EXPECT_EQ(static_cast<int64_t>(all.size()), ids.size(0));
}

TEST_P(ModelGolden, SavesWhatItLoaded) {
  const fs::path made = fs::path(testing::TempDir()) / ("distill_saved_" + GetParam());
  fs::remove_all(made);
  const Transformer model = load_transformer(folder(), at::kFloat, at::kCPU);
  save_transformer(model, made, at::kFloat);
  const Transformer again = load_transformer(made, at::kFloat, at::kCPU);
  std::map<std::string, at::Tensor> values;
  model.visit([&](const std::string& name, const Parameter& p, bool) { values[name] = p.value; });
  again.visit([&](const std::string& name, const Parameter& p, bool) {
    ASSERT_TRUE(values.contains(name)) << name;
    EXPECT_TRUE(at::equal(values[name], p.value)) << name;
    values.erase(name);
  });
  EXPECT_TRUE(values.empty());
  Json config = read_json(folder() / "config.json");
  config["dtype"] = "float32";
  EXPECT_EQ(read_json(made / "config.json"), config);
  if (fs::exists(folder() / "model.safetensors")) {
    const SafetensorsFile before(folder() / "model.safetensors"), after(made / "model.safetensors");
    ASSERT_EQ(after.entries().size(), before.entries().size());
    for (const auto& entry : before.entries()) {
      EXPECT_TRUE(at::equal(after.tensor(entry.name), before.tensor(entry.name).to(at::kFloat)))
          << entry.name;
    }
  }
}

TEST_P(ModelGolden, DocumentsTogetherEqualDocumentsAlone) {
  if (!inputs_.contains("padded")) GTEST_SKIP() << GetParam() << " has no rows";
  const Transformer model = load_transformer(folder(), at::kFloat, at::kCPU);
  const auto documents = golden::read_rows(inputs_["padded"]);
  const at::Tensor together = model.forward(make_batch(documents)).hidden;
  std::vector<at::Tensor> alone;
  for (const Document& document : documents) {
    alone.push_back(model.forward(make_batch({document})).hidden);
  }
  EXPECT_LT(max_difference(together, at::cat(alone)), 1e-5);
}

TEST_P(ModelGolden, CachedPiecesEqualTheWhole) {
  const Transformer model = load_transformer(folder(), at::kDouble, at::kCPU);
  const auto document = golden::read_rows(inputs_["single"]).front();
  const at::Tensor whole = model.forward(make_batch({document})).hidden;
  SequenceCache cache(model.config(), at::kDouble, at::kCPU);
  cache.add(1);
  ForwardOptions options;
  options.cache = &cache;
  std::vector<at::Tensor> pieces;
  for (const int64_t size : {int64_t{11}, int64_t{1}, int64_t{9}, int64_t{1}, int64_t{1}}) {
    const auto begin = cache.lengths()[0];
    const std::vector<int64_t> ids(document.tokens.begin() + begin,
                                   document.tokens.begin() + begin + size);
    Batch batch = make_batch({{ids, std::vector<bool>(ids.size()), {}}});
    batch.positions = batch.positions + begin;
    pieces.push_back(model.forward(batch, options).hidden);
  }
  const at::Tensor joined = at::cat(pieces);
  EXPECT_LT(max_difference(joined, whole.narrow(0, 0, joined.size(0))), 1e-10);
}

// The fixture's `fp32_compute` logits come from a model that was cast to bf16 and back: its rotary
// frequencies are rounded, which costs 0.03. transformers keeps them in fp32 when it loads such a
// checkpoint; `fp32_weights` are its logits then, and what is compared here.
TEST_P(ModelGolden, Bf16EqualsTransformers) {
  const auto exact = expected("single.logits_fp32_weights");
  const auto loose = expected("single.logits_bf16_compute");
  const auto rounded = expected("single.logits_fp32_compute");
  if (!exact || !loose || !rounded) GTEST_SKIP() << GetParam() << " has no fp32_weights logits";
  const Batch batch = make_batch(golden::read_rows(inputs_["single"]));
  const Transformer widened = load_transformer(folder(), at::kFloat, at::kCPU);
  EXPECT_LT(max_difference(widened.head().logits(widened.forward(batch).hidden), (*exact)[0]),
            kLogits);
  const Transformer model = load_transformer(folder(), at::kBFloat16, at::kCPU);
  const at::Tensor logits = model.head().logits(model.forward(batch).hidden);
  EXPECT_EQ(logits.scalar_type(), at::kBFloat16);
  // No further from the exact logits than transformers in bf16 is, give or take a half.
  const double theirs = relative_difference((*loose)[0], (*rounded)[0]);
  EXPECT_LT(relative_difference(logits, (*exact)[0]), 1.5 * theirs);
}

std::string test_name(const testing::TestParamInfo<std::string>& parameter) {
  std::string name = parameter.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ModelGolden, testing::ValuesIn(find_cases()), test_name);

}  // namespace
}  // namespace distill
