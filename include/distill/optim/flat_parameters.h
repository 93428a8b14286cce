// The trainable parameters of a model in a few flat buffers: one fused optimizer call, one norm,
// one all-reduce a group; sharding is a slice.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "distill/optim/parameter_group.h"

namespace distill {

/// A model's parameter: `value` becomes a leaf that views a flat buffer, `gradient` the fp32 slice
/// that its gradients are added to. The pointers stay valid as long as the model is not moved.
struct ParameterRef {
  std::string name;
  at::Tensor* value = nullptr;
  at::Tensor* gradient = nullptr;
  ParameterGroup group = {};  ///< equal ones share buffers
};

/// Flat buffers of one group. All one-dimensional and of the same length; slices are 256-byte
/// aligned, gaps are zero and stay zero.
struct FlatGroup {
  ParameterGroup settings;
  at::Tensor master;      // fp32 (fp64 for a fp64 model)
  at::Tensor gradient;    // same dtype
  at::Tensor exp_avg;     // same dtype
  at::Tensor exp_avg_sq;  // same dtype
  at::Tensor compute;     // the leaves' storage: bf16, or the master itself
};

class FlatParameters {
 public:
  /// Moves the parameters into flat buffers, those of each group in the order given and the groups
  /// in that of their first parameters, and makes their values leaves that require a gradient.
  /// Values must share one dtype and device. Throws Error.
  explicit FlatParameters(std::vector<ParameterRef> parameters);

  std::vector<FlatGroup>& groups() { return groups_; }
  void zero_gradients();
  /// Norm of all gradients, a fp64 scalar on the device. The fp32 norm of a CPU adds serially and
  /// is short by up to 0.5 %.
  at::Tensor gradient_norm() const;
  /// Rounds the masters into the leaves; nothing to do where they are the same.
  void update_compute_weights();
  int64_t parameter_count() const;

  /// Every tensor that resume needs, by kind and name ("master.<name>", "exp_avg.<name>",
  /// "exp_avg_sq.<name>"): views in the shape of the parameter, to be written or to be copied into.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

 private:
  struct Slice {
    std::string name;
    size_t group = 0;
    int64_t offset = 0;
    std::vector<int64_t> shape;
    at::Tensor view(const at::Tensor& flat) const;
  };

  void move_in(const ParameterRef& parameter, const Slice& slice);

  std::vector<FlatGroup> groups_;
  std::vector<Slice> slices_;
};

}  // namespace distill
