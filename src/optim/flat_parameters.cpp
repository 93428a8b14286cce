#include "distill/optim/flat_parameters.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr int64_t kAlignment = 64;  // elements: 256 bytes of fp32
constexpr int64_t kNormPiece = int64_t{1} << 23;

int64_t aligned(int64_t count) { return (count + kAlignment - 1) / kAlignment * kAlignment; }

FlatGroup make_group(ParameterGroup settings, int64_t size, at::ScalarType compute_dtype,
                     at::Device device) {
  const at::ScalarType dtype = compute_dtype == at::kDouble ? at::kDouble : at::kFloat;
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  FlatGroup group;
  group.settings = std::move(settings);
  group.master = at::zeros({size}, options);
  group.gradient = at::zeros({size}, options);
  group.exp_avg = at::zeros({size}, options);
  group.exp_avg_sq = at::zeros({size}, options);
  group.compute =
      compute_dtype == dtype ? group.master : at::zeros({size}, options.dtype(compute_dtype));
  return group;
}

void require_alike(const ParameterRef& parameter, const at::Tensor& first) {
  const at::Tensor& value = *parameter.value;
  if (value.scalar_type() == first.scalar_type() && value.device() == first.device()) return;
  throw Error("FlatParameters: expected " + first.toString() + " on " + first.device().str() +
              " as the first parameter is, found " + parameter.name + ": " + value.toString() +
              " on " + value.device().str());
}

}  // namespace

at::Tensor FlatParameters::Slice::view(const at::Tensor& flat) const {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return flat.narrow(0, offset, count).view(shape);
}

FlatParameters::FlatParameters(std::vector<ParameterRef> parameters) {
  if (parameters.empty()) throw Error("FlatParameters: there is no trainable parameter");
  const at::Tensor& first = *parameters[0].value;
  std::vector<ParameterGroup> groups;
  std::vector<int64_t> sizes;
  for (const ParameterRef& parameter : parameters) {
    require_alike(parameter, first);
    const auto found = std::find(groups.begin(), groups.end(), parameter.group);
    const auto group = static_cast<size_t>(found - groups.begin());
    if (found == groups.end()) {
      groups.push_back(parameter.group);
      sizes.push_back(0);
    }
    slices_.push_back({parameter.name, group, sizes[group], parameter.value->sizes().vec()});
    sizes[group] += aligned(parameter.value->numel());
  }
  for (size_t i = 0; i < groups.size(); ++i) {
    groups_.push_back(make_group(groups[i], sizes[i], first.scalar_type(), first.device()));
  }
  for (size_t i = 0; i < parameters.size(); ++i) move_in(parameters[i], slices_[i]);
}

void FlatParameters::move_in(const ParameterRef& parameter, const Slice& slice) {
  const FlatGroup& group = groups_[slice.group];
  slice.view(group.master).copy_(*parameter.value);
  at::Tensor leaf = slice.view(group.compute).detach();
  leaf.copy_(*parameter.value);
  leaf.set_requires_grad(true);
  at::Tensor gradient = slice.view(group.gradient);
  if (gradient.scalar_type() != leaf.scalar_type()) {
    leaf.set_grad_dtype(gradient.scalar_type());
  }
  leaf.mutable_grad() = gradient;
  *parameter.value = leaf;
  *parameter.gradient = gradient;
}

void FlatParameters::zero_gradients() {
  for (FlatGroup& group : groups_) group.gradient.zero_();
}

at::Tensor FlatParameters::gradient_norm() const {
  at::Tensor squares;
  for (const FlatGroup& group : groups_) {
    // In pieces: a norm in fp64 of the whole would first copy the whole in fp64.
    for (const at::Tensor& piece : group.gradient.split(kNormPiece)) {
      const at::Tensor norm = at::linalg_vector_norm(piece, 2, at::nullopt, false, at::kDouble);
      squares = squares.defined() ? squares + norm * norm : norm * norm;
    }
  }
  return squares.sqrt();
}

void FlatParameters::update_compute_weights() {
  const at::NoGradGuard no_grad;
  for (FlatGroup& group : groups_) {
    if (!group.compute.is_same(group.master)) group.compute.copy_(group.master);
  }
}

int64_t FlatParameters::parameter_count() const {
  int64_t count = 0;
  for (const Slice& slice : slices_) count += slice.view(groups_[slice.group].master).numel();
  return count;
}

std::vector<std::pair<std::string, at::Tensor>> FlatParameters::state() const {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const Slice& slice : slices_) {
    const FlatGroup& group = groups_[slice.group];
    tensors.emplace_back("master." + slice.name, slice.view(group.master));
    tensors.emplace_back("exp_avg." + slice.name, slice.view(group.exp_avg));
    tensors.emplace_back("exp_avg_sq." + slice.name, slice.view(group.exp_avg_sq));
  }
  return tensors;
}

}  // namespace distill
