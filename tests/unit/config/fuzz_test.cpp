// Damaged files end in a value or in a ConfigError, quickly.
#include <gtest/gtest.h>

#include <random>

#include "sample_config.h"

namespace distill::sample {
namespace {

constexpr std::string_view kGood = R"(# A configuration
run: {output_dir: "a\tb", seed: 42, dtype: bfloat16}
teacher: &t {type: ensemble, members: [{type: live, path: a}, {type: live, path: 'it''s'}]}
data:
  packing: false
  train:
    - &s {path: x.jsonl, columns: {prompt: question}}
    - *s
    - path: |
        block
      limit: 3
    - path: >-
        folded
        text
  tags: [a, "b", 'c']
objective:
  - {type: cross_entropy, weight: 0.5}
  - type: forward_kl
    temperature: 2.0e+0
optimizer: {learning_rate: 2.0e-5, betas: [0.9, 0.95], layers: [1, -2], note: ~}
extra: *s
)";

std::string mutate(std::string text, std::mt19937& random) {
  const auto below = [&random](size_t n) { return random() % std::max<size_t>(n, 1); };
  constexpr std::string_view kBytes = "\n\t :-,[]{}&*!|>'\"%@`#?<=~0.e\\\xc3\xff\x04";
  for (size_t n = 1 + below(4); n > 0; --n) {
    const size_t at = below(text.size()), length = below(30);
    switch (below(5)) {
      case 0:
        text.insert(at, 1, kBytes[below(kBytes.size())]);
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(below(text.size()), length));
        break;
      case 3:
        if (!text.empty()) text[at] = kBytes[below(kBytes.size())];
        break;
      default:
        text.insert(at, below(300), kBytes[below(kBytes.size())]);
    }
  }
  return text;
}

TEST(Fuzz, TheStartIsGood) {
  Config config;
  ConfigFile::parse(std::string(kGood), "f").read(config.visitor());
  EXPECT_EQ(config.data.train.size(), 4u);
}

TEST(Fuzz, DamagedFilesAreReadOrRefused) {
  std::mt19937 random(7);
  size_t good = 0, refused = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::string text = mutate(std::string(kGood), random);
    Config config;
    try {
      const ConfigFile file = ConfigFile::parse(text, "f", {"objective.0.weight=1"});
      file.read(config.visitor());
      Config again;
      ConfigFile::parse(file.resolved(config.visitor()), "f").read(again.visitor());
      EXPECT_EQ(again.run.output_dir, config.run.output_dir);
      ++good;
    } catch (const ConfigError& error) {
      EXPECT_FALSE(error.problems().empty()) << text;
      ++refused;
    }
  }
  EXPECT_GT(good, 30u);
  EXPECT_GT(refused, 300u);
}

TEST(Fuzz, DamagedOverridesAreReadOrRefused) {
  std::mt19937 random(8);
  const std::vector<std::string> overrides = {"objective.1.temperature=4", "data.train.0.path=y",
                                              "run={output_dir: o}", "optimizer.betas=[0.1, 0.2]"};
  for (int round = 0; round < 1000; ++round) {
    Config config;
    try {
      ConfigFile::parse(std::string(kGood), "f",
                        {mutate(overrides[random() % overrides.size()], random)})
          .read(config.visitor());
    } catch (const ConfigError&) {
    }
  }
}

}  // namespace
}  // namespace distill::sample
