// Layers that differ: a model of any selection of layers is what its LayerConfigs say, packed or
// alone, with a cache or without, and after saving and loading.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distill/core/files.h"
#include "distill/io/hf_folder.h"
#include "distill/model/sequence_cache.h"
#include "model/rotary_table.h"
#include "tiny_models.h"

namespace distill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

constexpr Tap::Kind kInner[] = {Tap::Kind::kQuery, Tap::Kind::kKey, Tap::Kind::kValue};

std::vector<int64_t> random_layers(Random& random, int64_t num_layers) {
  std::vector<int64_t> layers(1 + random.below(6));
  for (int64_t& layer : layers) {
    layer = static_cast<int64_t>(random.below(static_cast<uint64_t>(num_layers)));
  }
  return layers;
}

/// Random selections of the layers of every family and of the mixed model, with the whole of each.
std::vector<TransformerConfig> some_configs() {
  std::vector<TransformerConfig> whole{tests::mixed_config()};
  for (const Json& json : tests::tiny_families()) {
    whole.push_back(transformer_config_from_json(json, "tiny"));
  }
  Random random(11);
  std::vector<TransformerConfig> configs = whole;
  for (const TransformerConfig& config : whole) {
    for (int i = 0; i < 4; ++i) {
      configs.push_back(select_layers(config, random_layers(random, config.num_layers())));
    }
  }
  return configs;
}

std::string describe(const TransformerConfig& config) {
  std::string text = config.family;
  for (const LayerConfig& layer : config.layers) {
    text += " [" + std::to_string(layer.num_heads) + "/" + std::to_string(layer.num_kv_heads) +
            " x " + std::to_string(layer.head_dim) + ", window " + std::to_string(layer.window) +
            ", mlp " + std::to_string(layer.intermediate_size) + "]";
  }
  return text;
}

// The definition of a llama in plain operations, one document at a time.

struct Defined {
  at::Tensor hidden;
  std::map<Tap, at::Tensor> taps;
};

at::Tensor defined_norm(const at::Tensor& x, const Norm& norm, double eps) {
  return x / at::sqrt(x.pow(2).mean(-1, true) + eps) * norm.weight.value;
}

at::Tensor defined_rotation(const at::Tensor& x, const RotaryConfig& rotary) {
  const int64_t half = x.size(2) / 2;
  at::Tensor out = at::empty_like(x);
  for (int64_t t = 0; t < x.size(0); ++t) {
    for (int64_t i = 0; i < half; ++i) {
      const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(x.size(2));
      const double angle =
          static_cast<double>(t) / (std::pow(rotary.theta, exponent) * rotary.factor);
      const at::Tensor a = x.select(0, t).select(1, i), b = x.select(0, t).select(1, i + half);
      out.select(0, t).select(1, i).copy_(a * std::cos(angle) - b * std::sin(angle));
      out.select(0, t).select(1, i + half).copy_(b * std::cos(angle) + a * std::sin(angle));
    }
  }
  return out;
}

at::Tensor defined_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             const LayerConfig& layer) {
  const int64_t group = layer.num_heads / layer.num_kv_heads;
  const double scale = layer.attention_scale > 0.0
                           ? layer.attention_scale
                           : std::pow(static_cast<double>(layer.head_dim), -0.5);
  at::Tensor out = at::zeros_like(q);
  for (int64_t h = 0; h < layer.num_heads; ++h) {
    for (int64_t i = 0; i < q.size(0); ++i) {
      const int64_t first = layer.window > 0 ? std::max<int64_t>(0, i - layer.window + 1) : 0;
      const at::Tensor keys = k.select(1, h / group).slice(0, first, i + 1);
      const at::Tensor weights = at::softmax(at::mv(keys, q[i][h]) * scale, 0);
      const at::Tensor values = v.select(1, h / group).slice(0, first, i + 1);
      out[i][h].copy_(at::mv(values.t(), weights));
    }
  }
  return out;
}

Defined define(const Transformer& model, const Document& document) {
  const TransformerConfig& config = model.config();
  const int64_t tokens = static_cast<int64_t>(document.tokens.size());
  const auto project = [](const Linear& linear, const at::Tensor& x) {
    return at::matmul(x, linear.weight.value.t());
  };
  Defined out;
  at::Tensor x =
      model.modules().token_embedding.value.index_select(0, at::tensor(document.tokens, at::kLong));
  for (int i = 0; i < static_cast<int>(config.layers.size()); ++i) {
    const LayerConfig& layer = config.layers[static_cast<size_t>(i)];
    const Block& block = model.modules().blocks[static_cast<size_t>(i)];
    out.taps[{Tap::Kind::kHidden, i}] = x;
    const at::Tensor in = defined_norm(x, block.attention_norm, config.norm_eps);
    at::Tensor q = project(block.attention.query, in).view({tokens, layer.num_heads, -1});
    at::Tensor k = project(block.attention.key, in).view({tokens, layer.num_kv_heads, -1});
    const at::Tensor v = project(block.attention.value, in).view({tokens, layer.num_kv_heads, -1});
    if (layer.rotary) {
      q = defined_rotation(q, config.rotaries[*layer.rotary]);
      k = defined_rotation(k, config.rotaries[*layer.rotary]);
    }
    out.taps[{Tap::Kind::kQuery, i}] = q;
    out.taps[{Tap::Kind::kKey, i}] = k;
    out.taps[{Tap::Kind::kValue, i}] = v;
    x = x + project(block.attention.output, defined_attention(q, k, v, layer).flatten(1));
    const at::Tensor middle = defined_norm(x, block.mlp_norm, config.norm_eps);
    const at::Tensor up = project(block.mlp.up, middle);
    x = x + project(block.mlp.down, layer.gated_mlp ? at::silu(project(block.mlp.gate, middle)) * up
                                                    : at::silu(up));
  }
  out.hidden = defined_norm(x, model.modules().final_norm, config.norm_eps);
  return out;
}

std::vector<Document> some_documents() {
  return {tests::random_document(11, 1), tests::random_document(1, 2),
          tests::random_document(7, 3)};
}

void expect_near(const at::Tensor& found, const at::Tensor& want) {
  ASSERT_EQ(found.sizes(), want.sizes());
  EXPECT_TRUE(at::allclose(found, want, 1e-10, 1e-11))
      << "largest difference " << (found - want).abs().max().item<double>();
}

TEST(Layers, EqualTheirDefinition) {
  for (const auto& layers :
       std::vector<std::vector<int64_t>>{{0, 1, 2, 3, 4}, {3, 1, 1}, {2, 4, 0, 3}}) {
    const Transformer model =
        tests::make_model(select_layers(tests::mixed_config(), layers), at::kDouble);
    ForwardOptions options;
    for (int i = 0; i < static_cast<int>(layers.size()); ++i) {
      options.taps.insert({Tap::Kind::kHidden, i});
      for (const Tap::Kind kind : kInner) options.taps.insert({kind, i});
    }
    const Trace trace = model.forward(make_batch(some_documents()), options);
    EXPECT_EQ(trace.taps.size(), options.taps.size());
    int64_t begin = 0;
    for (const Document& document : some_documents()) {
      const auto size = static_cast<int64_t>(document.tokens.size());
      const Defined want = define(model, document);
      expect_near(trace.hidden.narrow(0, begin, size), want.hidden);
      for (const auto& [tap, value] : want.taps) {
        SCOPED_TRACE(testing::Message()
                     << "kind " << static_cast<int>(tap.kind) << " of layer " << tap.layer);
        expect_near(trace.taps.at(tap).narrow(0, begin, size), value);
      }
      begin += size;
    }
  }
}

TEST(Layers, HaveWeightsOfTheirOwnShapes) {
  const Transformer model = tests::make_model(tests::mixed_config());
  const auto shape = [&](size_t layer, const auto& pick) {
    const at::Tensor& value = pick(model.modules().blocks[layer]).weight.value;
    return value.defined() ? value.sizes().vec() : std::vector<int64_t>{};
  };
  const auto query = [](const Block& block) { return block.attention.query; };
  const auto key = [](const Block& block) { return block.attention.key; };
  const auto output = [](const Block& block) { return block.attention.output; };
  const auto gate = [](const Block& block) { return block.mlp.gate; };
  const auto down = [](const Block& block) { return block.mlp.down; };
  EXPECT_THAT(shape(1, query), ElementsAre(16, 24));
  EXPECT_THAT(shape(1, key), ElementsAre(8, 24));
  EXPECT_THAT(shape(1, output), ElementsAre(24, 16));
  EXPECT_THAT(shape(1, gate), ElementsAre(24, 24));
  EXPECT_THAT(shape(4, query), ElementsAre(36, 24));
  EXPECT_THAT(shape(4, key), ElementsAre(12, 24));
  EXPECT_THAT(shape(4, gate), ElementsAre());
  EXPECT_THAT(shape(4, down), ElementsAre(24, 40));
}

TEST(Layers, ShareTheRotaryTablesThatAreEqual) {
  const TransformerConfig config = tests::mixed_config();
  const at::Tensor positions = at::arange(9, at::kLong);
  const RotaryTables tables(config, positions, at::kDouble);
  const auto find = [&](size_t layer) { return tables.find(config.layers[layer]); };
  ASSERT_NE(find(0), nullptr);
  EXPECT_EQ(find(0), find(4)) << "one table of rotary 0 for heads of 6";
  EXPECT_EQ(find(2), nullptr);
  for (const size_t layer : {0u, 1u, 3u}) {
    const LayerConfig& own = config.layers[layer];
    const RotaryTable want =
        rotary_table(config.rotaries[*own.rotary], own.head_dim, positions, at::kDouble);
    EXPECT_TRUE(at::equal(find(layer)->cosine, want.cosine)) << layer;
    EXPECT_TRUE(at::equal(find(layer)->sine, want.sine)) << layer;
  }
}

TEST(Layers, DocumentsTogetherEqualDocumentsAlone) {
  for (const TransformerConfig& config : some_configs()) {
    SCOPED_TRACE(describe(config));
    const Transformer model = tests::make_model(config, at::kDouble);
    std::vector<at::Tensor> alone;
    for (const Document& document : some_documents()) {
      alone.push_back(model.forward(make_batch({document})).hidden);
    }
    expect_near(model.forward(make_batch(some_documents())).hidden, at::cat(alone));
  }
}

/// The next `sizes` tokens of the documents that the cache holds the beginnings of.
Batch next_pieces(const std::vector<Document>& documents, const SequenceCache& cache,
                  const std::vector<int64_t>& sizes) {
  Batch batch;
  std::vector<int64_t> tokens, positions;
  batch.bounds.push_back(0);
  for (size_t n = 0; n < documents.size(); ++n) {
    for (int64_t i = cache.lengths()[n]; i < cache.lengths()[n] + sizes[n]; ++i) {
      tokens.push_back(documents[n].tokens[static_cast<size_t>(i)]);
      positions.push_back(i);
    }
    batch.bounds.push_back(static_cast<int32_t>(tokens.size()));
    batch.max_length = std::max(batch.max_length, static_cast<int32_t>(sizes[n]));
  }
  batch.tokens = at::tensor(tokens, at::kLong);
  batch.positions = at::tensor(positions, at::kLong);
  batch.cu_seqlens = at::tensor(batch.bounds, at::kInt);
  return batch;
}

TEST(Layers, CachedPiecesEqualTheWhole) {
  const std::vector<Document> documents{tests::random_document(14, 4),
                                        tests::random_document(18, 5)};
  const std::pair<int64_t, int64_t> pieces[] = {{5, 9}, {1, 1}, {1, 4}, {0, 1}, {6, 1}, {1, 2}};
  for (const TransformerConfig& config : some_configs()) {
    SCOPED_TRACE(describe(config));
    const Transformer model = tests::make_model(config, at::kDouble);
    const Tap keys{Tap::Kind::kKey, static_cast<int>(config.num_layers()) - 1};
    ForwardOptions options;
    options.taps = {keys};
    const Trace whole[] = {model.forward(make_batch({documents[0]}), options),
                           model.forward(make_batch({documents[1]}), options)};
    SequenceCache cache(model.config(), at::kDouble, at::kCPU);
    cache.add(2);
    options.cache = &cache;
    for (const auto& [first, second] : pieces) {
      std::vector<at::Tensor> want_hidden, want_keys;
      for (size_t n = 0; n < 2; ++n) {
        const int64_t begin = cache.lengths()[n], size = n == 0 ? first : second;
        want_hidden.push_back(whole[n].hidden.narrow(0, begin, size));
        want_keys.push_back(whole[n].taps.at(keys).narrow(0, begin, size));
      }
      const Trace trace = model.forward(next_pieces(documents, cache, {first, second}), options);
      expect_near(trace.hidden, at::cat(want_hidden));
      expect_near(trace.taps.at(keys), at::cat(want_keys));
    }
    EXPECT_THAT(cache.lengths(), ElementsAre(14, 18));
  }
}

TEST(Layers, SavedAndLoadedGiveTheSameLogits) {
  const fs::path folder = fs::path(testing::TempDir()) / "distill_layers_saved";
  const Batch batch = make_batch(some_documents());
  for (const TransformerConfig& config : some_configs()) {
    SCOPED_TRACE(describe(config));
    fs::remove_all(folder);
    const Transformer model = tests::make_model(config);
    const auto logits = [&](const Transformer& any) {
      return any.head().logits(any.forward(batch).hidden);
    };
    if (config.rotaries.size() < 2) {
      save_transformer(model, folder, at::kFloat);
      const Transformer loaded = load_transformer(folder, at::kFloat, at::kCPU);
      EXPECT_EQ(loaded.config().layers, config.layers);
      EXPECT_TRUE(at::equal(logits(loaded), logits(model)));
    } else {  // no config.json describes it: its weights alone
      make_directories(folder);
      write_weights(folder, checkpoint_tensors(model, [](const Parameter& p) { return p.value; }));
      EXPECT_TRUE(
          at::equal(logits(load_transformer(config, folder, at::kFloat, at::kCPU)), logits(model)));
    }
  }
}

TEST(Layers, AStudentKeepsTheConfigsAndWeightsOfTheLayersItTakes) {
  const Transformer teacher = tests::make_model(tests::mixed_config(), at::kDouble);
  const Transformer student = make_student_from_layers(teacher, {4, 1, 3});
  EXPECT_EQ(student.config().layers, select_layers(teacher.config(), {4, 1, 3}).layers);
  EXPECT_TRUE(at::equal(student.modules().blocks[1].attention.key.weight.value,
                        teacher.modules().blocks[1].attention.key.weight.value));
  EXPECT_TRUE(at::equal(student.modules().blocks[0].mlp.down.weight.value,
                        teacher.modules().blocks[4].mlp.down.weight.value));
  const Document document = tests::random_document(9, 6);
  expect_near(student.forward(make_batch({document})).hidden, define(student, document).hidden);
}

}  // namespace
}  // namespace distill
