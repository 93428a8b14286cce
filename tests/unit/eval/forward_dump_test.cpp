#include "distill/eval/forward_dump.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "distill/core/error.h"
#include "unit/model/tiny_models.h"

namespace distill {
namespace {

using testing::ElementsAre;

std::vector<Document> some_documents() {
  return {tests::random_document(9, 1), tests::random_document(1, 2),
          tests::random_document(12, 3)};
}

/// The softmax over the keys that each query of a document sees: [H, m, m].
at::Tensor defined_attention(const at::Tensor& q, const at::Tensor& k, double scale,
                             int64_t window) {
  const int64_t size = q.size(0), group = q.size(1) / k.size(1);
  at::Tensor all = at::zeros({q.size(1), size, size}, q.options());
  for (int64_t h = 0; h < q.size(1); ++h) {
    for (int64_t i = 0; i < size; ++i) {
      const int64_t first = window > 0 ? std::max<int64_t>(0, i - window + 1) : 0;
      const at::Tensor keys = k.select(1, h / group).slice(0, first, i + 1);
      all[h][i].slice(0, first, i + 1).copy_(at::softmax(at::mv(keys, q[i][h]) * scale, 0));
    }
  }
  return all;
}

TEST(ForwardDump, WritesAttentionInsideTheDocumentsAndZeroOutside) {
  Transformer model = tests::make_model(tests::tiny_qwen2_json(), at::kDouble);
  const Batch batch = make_batch(some_documents());
  ForwardOptions options;
  for (int layer = 0; layer < 4; ++layer) {
    options.taps.insert({Tap::Kind::kQuery, layer});
    options.taps.insert({Tap::Kind::kKey, layer});
  }
  const Trace trace = model.forward(batch, options);
  const auto dump = forward_dump(model, some_documents(), {.attention = true});
  const std::map<std::string, at::Tensor> tensors(dump.begin(), dump.end());
  for (int layer = 0; layer < 4; ++layer) {
    at::Tensor want = at::zeros({4, 22, 22}, at::kDouble);
    for (size_t n = 0; n < 3; ++n) {
      const int64_t begin = batch.bounds[n], size = batch.bounds[n + 1] - begin;
      const auto part = [&](Tap::Kind kind) {
        return trace.taps.at({kind, layer}).narrow(0, begin, size);
      };
      want.narrow(1, begin, size)
          .narrow(2, begin, size)
          .copy_(defined_attention(part(Tap::Kind::kQuery), part(Tap::Kind::kKey),
                                   1.0 / std::sqrt(6.0), layer < 2 ? 0 : 6));
    }
    const at::Tensor& found = tensors.at("attentions." + std::to_string(layer));
    EXPECT_TRUE(at::allclose(found, want, 1e-10, 1e-12)) << layer;
    EXPECT_TRUE(at::equal(found == 0, want == 0)) << layer;
  }
}

TEST(ForwardDump, NamesWhatIsAskedFor) {
  Transformer model = tests::make_model(tests::tiny_gpt2_json());
  const auto names = [&](const ForwardRequest& request) {
    std::vector<std::string> found;
    for (const auto& [name, tensor] : forward_dump(model, some_documents(), request)) {
      EXPECT_FALSE(tensor.requires_grad()) << name;
      if (!name.starts_with("grad.")) found.push_back(name);
    }
    return found;
  };
  EXPECT_THAT(names({}), ElementsAre("logits", "bounds", "loss"));
  EXPECT_THAT(names({.attention = true}),
              ElementsAre("logits", "bounds", "attentions.0", "attentions.1", "loss"));
  EXPECT_THAT(names({.hidden = true, .attention = true, .gradients = true}),
              ElementsAre("logits", "bounds", "hidden_states.0", "hidden_states.1", "attentions.0",
                          "attentions.1", "hidden_states.2", "loss"));
}

TEST(DocumentsFromJson, RefuseWhatIsNoListOfIds) {
  const auto failure = [](const char* text) -> std::string {
    try {
      documents_from_json(parse_json(text, "ids.json"), "ids.json");
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(failure("[[1, 2], [3]]"), "no error");
  EXPECT_EQ(failure(R"({"input_ids": [[1, 2], [3]], "labels": [[1, -100], [3]]})"), "no error");
  EXPECT_EQ(failure("[[1, 2], 3]"), "ids.json: expected token ids, found 3");
  EXPECT_EQ(failure(R"([[1, 2], {"a": 3}])"), "ids.json: expected token ids, found {\"a\":3}");
  for (const char* labels :
       {"[[1, 2]]", "[[1, 2], []]", "[[1, 2], [3, 4]]", "[[1, 2], [3], [4]]"}) {
    const std::string text =
        std::string(R"({"input_ids": [[1, 2], [3]], "labels": )") + labels + "}";
    EXPECT_NE(failure(text.c_str()), "no error") << labels;
  }
  EXPECT_EQ(failure(R"({"input_ids": [[1, 2], [3]], "labels": [[1, 2], [3], [4]]})"),
            "ids.json: labels and input_ids differ in length");
}

}  // namespace
}  // namespace distill
