#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_config.h"

namespace distill::sample {
namespace {

TEST(Flatten, EveryValueUnderItsPath) {
  Config config = read(
      "teacher: {type: live, path: a b}\n"
      "data: {train: [{path: x, columns: {a: b}}]}\n"
      "objective: [{type: forward_kl, temperature: 2}]\n");
  const auto values = flatten_config(config.visitor());
  EXPECT_THAT(
      values,
      testing::ElementsAre(
          std::pair("run.output_dir", "out"), std::pair("run.seed", "42"),
          std::pair("run.dtype", "auto"), std::pair("run.threads", "null"),
          std::pair("teacher.type", "live"), std::pair("teacher.path", "\"a b\""),
          std::pair("data.packing", "false"), std::pair("data.train.0.path", "x"),
          std::pair("data.train.0.columns", "{a: b}"), std::pair("data.train.0.limit", "null"),
          std::pair("data.test_size", "null"), std::pair("data.tags", "[]"),
          std::pair("objective.0.type", "forward_kl"), std::pair("objective.0.weight", "1.0"),
          std::pair("objective.0.temperature", "2.0"),
          std::pair("optimizer.learning_rate", "2.0e-05"),
          std::pair("optimizer.betas", "[0.9, 0.999]"), std::pair("optimizer.layers", "[]"),
          std::pair("optimizer.note", "null"), std::pair("train.num_epochs", "1"),
          std::pair("train.micro_batch_size", "8")));
}

}  // namespace
}  // namespace distill::sample
