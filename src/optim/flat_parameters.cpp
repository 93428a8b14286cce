#include "distill/optim/flat_parameters.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr int64_t kAlignment = 64;  // elements: 256 bytes of fp32
constexpr int64_t kNormPiece = int64_t{1} << 23;

int64_t aligned(int64_t count) { return (count + kAlignment - 1) / kAlignment * kAlignment; }

FlatGroup make_group(bool decay, int64_t size, at::ScalarType compute_dtype, at::Device device) {
  const at::ScalarType dtype = compute_dtype == at::kDouble ? at::kDouble : at::kFloat;
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  FlatGroup group;
  group.decay = decay;
  group.master = at::zeros({size}, options);
  group.gradient = at::zeros({size}, options);
  group.exp_avg = at::zeros({size}, options);
  group.exp_avg_sq = at::zeros({size}, options);
  group.compute =
      compute_dtype == dtype ? group.master : at::zeros({size}, options.dtype(compute_dtype));
  return group;
}

}  // namespace

at::Tensor FlatParameters::Slice::view(const at::Tensor& flat) const {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return flat.narrow(0, offset, count).view(shape);
}

FlatParameters::FlatParameters(std::vector<ParameterRef> parameters) {
  if (parameters.empty()) throw Error("FlatParameters: there is no trainable parameter");
  const at::ScalarType dtype = parameters[0].value->scalar_type();
  int64_t sizes[2] = {0, 0};
  for (const ParameterRef& parameter : parameters) {
    if (parameter.value->scalar_type() != dtype) {
      throw Error("FlatParameters: parameters of different dtypes: " + parameter.name);
    }
    const size_t group = parameter.decay ? 0 : 1;
    slices_.push_back({parameter.name, group, sizes[group], parameter.value->sizes().vec()});
    sizes[group] += aligned(parameter.value->numel());
  }
  for (const bool decay : {true, false}) {
    groups_.push_back(
        make_group(decay, sizes[decay ? 0 : 1], dtype, parameters[0].value->device()));
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Slice& slice = slices_[i];
    const FlatGroup& group = groups_[slice.group];
    slice.view(group.master).copy_(*parameters[i].value);
    at::Tensor leaf = slice.view(group.compute).detach();
    leaf.copy_(*parameters[i].value);
    leaf.set_requires_grad(true);
    at::Tensor gradient = slice.view(group.gradient);
    if (gradient.scalar_type() != dtype) leaf.set_grad_dtype(gradient.scalar_type());
    leaf.mutable_grad() = gradient;
    *parameters[i].value = leaf;
    *parameters[i].gradient = gradient;
  }
}

void FlatParameters::zero_gradients() {
  for (FlatGroup& group : groups_) group.gradient.zero_();
}

at::Tensor FlatParameters::gradient_norm() const {
  at::Tensor squares;
  for (const FlatGroup& group : groups_) {
    // In pieces: a norm in fp64 of the whole would first copy the whole in fp64.
    for (const at::Tensor& piece : group.gradient.split(kNormPiece)) {
      if (piece.numel() == 0) continue;
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
