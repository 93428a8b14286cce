// `distill forward` against what transformers computed: how others check the numbers.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distill/io/json.h"
#include "distill/io/safetensors.h"
#include "integration/distill_process.h"

namespace distill::integration {
namespace {

double difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  return (a - b).abs().max().item<double>();
}

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  return ((a - b).norm() / b.norm()).item<double>();
}

/// The tensors of `expected` whose names begin with `prefix`, each with its own by the same name.
template <class Compare>
int compare_all(const SafetensorsFile& expected, const SafetensorsFile& own,
                const std::string& prefix, const std::string& own_prefix, const Compare& compare) {
  int compared = 0;
  for (const auto& entry : expected.entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    const std::string name = own_prefix + entry.name.substr(prefix.size());
    SCOPED_TRACE(name);
    EXPECT_TRUE(own.contains(name));
    if (own.contains(name)) compare(own.tensor(name), expected.tensor(entry.name));
    ++compared;
  }
  return compared;
}

TEST(Forward, WritesWhatTransformersComputes) {
  const Scratch scratch;
  int logits = 0, hidden = 0, attentions = 0, gradients = 0;
  for (const auto& folder : fs::directory_iterator(kSource / "tests/data/fixtures/models")) {
    SCOPED_TRACE(folder.path().filename().string());
    const Json inputs = read_json(folder.path() / "inputs.json");
    const fs::path ids = scratch.write("ids.json", inputs["single"].dump());
    const fs::path out = scratch / "out.safetensors";
    const Result result = run({"forward", "--model", folder.path().string(), "--input",
                               ids.string(), "--output", out.string(), "--hidden", "--attention",
                               "--gradients", "--device", "cpu", "--dtype", "float32"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const SafetensorsFile own(out), expected(folder.path() / "expected.safetensors");
    if (expected.contains("single.logits")) {
      ++logits;
      EXPECT_LT(difference(own.tensor("logits"), expected.tensor("single.logits")[0]), 1e-4);
    }
    hidden +=
        compare_all(expected, own, "single.hidden_states.", "hidden_states.",
                    [](const auto& a, const auto& b) { EXPECT_LT(difference(a, b[0]), 1e-4); });
    attentions +=
        compare_all(expected, own, "single.attentions.", "attentions.",
                    [](const auto& a, const auto& b) { EXPECT_LT(difference(a, b[0]), 1e-5); });
    gradients += compare_all(expected, own, "grad.", "grad.", [](const auto& a, const auto& b) {
      EXPECT_LT(relative_difference(a, b), 1e-4);
    });
  }
  EXPECT_GE(logits, 3);
  EXPECT_GE(hidden, 3);
  EXPECT_GE(attentions, 3);
  EXPECT_GE(gradients, 87);
}

}  // namespace
}  // namespace distill::integration
