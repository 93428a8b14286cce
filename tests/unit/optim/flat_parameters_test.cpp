#include "distill/optim/flat_parameters.h"

#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "distill/core/error.h"
#include "distill/optim/adamw.h"
#include "unit/optim/tensors.h"

namespace distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Tensors;

const ParameterGroup kDecay{"matrices", 1.0, 0.1};
const ParameterGroup kNoDecay{"norms", 1.0, 0.0};

Tensors three_of_odd_sizes(at::ScalarType dtype) {
  Tensors tensors;
  tensors.dtype = dtype;
  tensors.add("a", {5, 13}, kDecay);
  tensors.add("b", {3}, kNoDecay);
  tensors.add("c", {2, 2}, kDecay);
  return tensors;
}

/// The buffer without what belongs to the parameters of the group.
at::Tensor gaps(const at::Tensor& buffer, const Tensors& tensors, const ParameterGroup& group) {
  at::Tensor rest = buffer.clone();
  for (const Tensors::One& one : tensors.all) {
    if (one.group != group) continue;
    rest.narrow(0, one.value.storage_offset(), one.value.numel()).zero_();
  }
  return rest;
}

TEST(FlatParameters, KeepValuesAsLeavesInAlignedSlices) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    SCOPED_TRACE(c10::toString(dtype));
    Tensors tensors = three_of_odd_sizes(dtype);
    const Tensors before = tensors;
    FlatParameters parameters(tensors.refs());
    EXPECT_EQ(parameters.parameter_count(), 65 + 3 + 4);
    for (size_t i = 0; i < tensors.all.size(); ++i) {
      const Tensors::One& one = tensors.all[i];
      EXPECT_TRUE(at::equal(one.value, before.all[i].value)) << one.name;
      EXPECT_TRUE(one.value.is_leaf() && one.value.requires_grad()) << one.name;
      EXPECT_EQ(one.value.scalar_type(), dtype);
      EXPECT_EQ(one.gradient.scalar_type(), dtype == at::kDouble ? at::kDouble : at::kFloat);
      EXPECT_EQ(one.gradient.sizes(), one.value.sizes());
      EXPECT_EQ(one.gradient.storage_offset() * 4 % 256, 0) << one.name;
      EXPECT_EQ(one.value.storage_offset(), one.gradient.storage_offset()) << one.name;
      EXPECT_TRUE(one.value.grad().is_alias_of(one.gradient)) << one.name;
    }
  }
}

TEST(FlatParameters, MakeAGroupForEachOfTheSettingsInOrder) {
  Tensors tensors;
  tensors.add("first", {2, 2}, kNoDecay);
  tensors.add("second", {2, 2}, kDecay);
  tensors.add("third", {2, 2}, kNoDecay);
  tensors.add("fourth", {2, 2}, {"norms", 0.5, 0.0});
  tensors.add("fifth", {2, 2}, {"projector", 1.0, 0.0});
  FlatParameters parameters(tensors.refs());
  std::vector<ParameterGroup> found;
  for (const FlatGroup& group : parameters.groups()) found.push_back(group.settings);
  EXPECT_EQ(found, (std::vector<ParameterGroup>{
                       kNoDecay, kDecay, {"norms", 0.5, 0.0}, {"projector", 1.0, 0.0}}));
  const at::Tensor shared = parameters.groups()[0].master;
  EXPECT_EQ(shared.numel(), 128);
  for (const Tensors::One& one : tensors.all) {
    EXPECT_EQ(one.value.is_alias_of(shared), one.group == kNoDecay) << one.name;
  }
}

TEST(FlatParameters, LeaveGapsThatStayZero) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(c10::toString(dtype));
    Tensors tensors = three_of_odd_sizes(dtype);
    FlatParameters parameters(tensors.refs());
    AdamW optimizer({}, parameters);
    for (int step = 0; step < 3; ++step) {
      for (Tensors::One& one : tensors.all) one.gradient.fill_(0.5 + step);
      optimizer.step(0.1, 1.0, parameters.gradient_norm(), at::zeros({}, at::kFloat));
    }
    for (const FlatGroup& group : parameters.groups()) {
      for (const at::Tensor& buffer :
           {group.master, group.gradient, group.exp_avg, group.exp_avg_sq, group.compute}) {
        EXPECT_EQ(at::count_nonzero(gaps(buffer, tensors, group.settings)).item<int64_t>(), 0);
        EXPECT_GT(at::count_nonzero(buffer).item<int64_t>(), 0);
      }
    }
  }
}

TEST(FlatParameters, BackwardAddsToTheBuffersWithoutRounding) {
  Tensors tensors;
  tensors.dtype = at::kBFloat16;
  tensors.add("w", {4}, kDecay);
  FlatParameters parameters(tensors.refs());
  // 1 + 2^-9 is no bf16: each summand is one, their sum is not.
  for (const double factor : {1.0, std::ldexp(1.0, -9)}) {
    torch::autograd::backward({(tensors.all[0].value * factor).sum()}, {});
  }
  const at::Tensor expected = at::full({4}, 1.0 + std::ldexp(1.0, -9));
  EXPECT_TRUE(at::equal(tensors.all[0].gradient, expected)) << tensors.all[0].gradient;
  EXPECT_TRUE(at::equal(parameters.groups()[0].gradient.narrow(0, 0, 4), expected));
  parameters.zero_gradients();
  EXPECT_EQ(at::count_nonzero(tensors.all[0].gradient).item<int64_t>(), 0);
}

TEST(FlatParameters, AddTheNormOfAllGroupsInFp64) {
  // More than a piece of the sum; a serial sum in fp32 is off in the fourth digit.
  const int64_t many = (int64_t{1} << 23) + 1000;
  Tensors tensors;
  tensors.add("large", {many}, kDecay);
  tensors.add("small", {3}, kNoDecay);
  FlatParameters parameters(tensors.refs());
  tensors.all[0].gradient.fill_(0.1F);
  tensors.all[1].gradient.fill_(30.0F);
  const at::Tensor norm = parameters.gradient_norm();
  EXPECT_EQ(norm.scalar_type(), at::kDouble);
  const double square = static_cast<double>(0.1F) * static_cast<double>(0.1F);
  const double expected = std::sqrt(static_cast<double>(many) * square + 2700.0);
  // n roundings of a serial sum are n * 2^-53 of it at most, and half of that of its root.
  EXPECT_NEAR(norm.item<double>() / expected, 1.0,
              static_cast<double>(many) * std::ldexp(1.0, -54));
}

TEST(FlatParameters, GiveTheirStateByKindAndName) {
  Tensors tensors = three_of_odd_sizes(at::kBFloat16);
  FlatParameters parameters(tensors.refs());
  std::vector<std::string> names;
  for (const auto& [name, tensor] : parameters.state()) {
    names.push_back(name);
    EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
  }
  EXPECT_THAT(names, ElementsAre("master.a", "exp_avg.a", "exp_avg_sq.a", "master.b", "exp_avg.b",
                                 "exp_avg_sq.b", "master.c", "exp_avg.c", "exp_avg_sq.c"));
  const at::Tensor master = parameters.state()[0].second;
  EXPECT_EQ(master.sizes(), at::IntArrayRef({5, 13}));
  master.fill_(1.0 + std::ldexp(1.0, -9));  // no bf16: the leaf gets the nearest, 1
  EXPECT_FALSE(at::equal(tensors.all[0].value, at::ones({5, 13}, at::kBFloat16)));
  parameters.update_compute_weights();
  EXPECT_TRUE(at::equal(tensors.all[0].value, at::ones({5, 13}, at::kBFloat16)));
  EXPECT_EQ(master[0][0].item<double>(), 1.0 + std::ldexp(1.0, -9));
}

TEST(FlatParameters, RefuseNothingAndTwoDtypes) {
  EXPECT_THROW(FlatParameters({}), Error);
  Tensors tensors = three_of_odd_sizes(at::kFloat);
  tensors.all[1].value = tensors.all[1].value.to(at::kDouble);
  try {
    FlatParameters parameters(tensors.refs());
    ADD_FAILURE() << "two dtypes were taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("found b: "));
  }
}

}  // namespace
}  // namespace distill
