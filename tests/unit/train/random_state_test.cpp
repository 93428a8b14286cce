#include "train/random_state.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace distill {
namespace {

TEST(RandomState, IsPutBack) {
  seed_generators(3, at::kCPU);
  LoadedCheckpoint checkpoint;
  checkpoint.tensors = generator_states(at::kCPU);
  ASSERT_EQ(checkpoint.tensors.size(), 1U);
  EXPECT_EQ(checkpoint.tensors[0].first, "generator.cpu");
  const at::Tensor first = at::rand({4});
  EXPECT_FALSE(at::rand({4}).equal(first));
  restore_generators(load_generators(checkpoint, at::kCPU), at::kCPU);
  EXPECT_TRUE(at::rand({4}).equal(first));
  seed_generators(3, at::kCPU);
  EXPECT_TRUE(at::rand({4}).equal(first));
}

TEST(RandomState, ACheckpointOfAnotherDeviceKeepsTheSeed) {
  seed_generators(3, at::kCPU);
  const at::Tensor first = at::rand({4});
  seed_generators(3, at::kCPU);
  LoadedCheckpoint checkpoint;
  checkpoint.tensors = {{"generator.cuda", at::zeros({16}, at::kByte)},
                        {"master.x", at::ones({1})}};
  restore_generators(load_generators(checkpoint, at::kCPU), at::kCPU);
  EXPECT_TRUE(at::rand({4}).equal(first));
  EXPECT_EQ(without_generators(checkpoint).tensors.size(), 1U);
}

}  // namespace
}  // namespace distill
