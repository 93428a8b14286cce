// Models that are made rather than loaded: from a teacher's layers, and from random numbers.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "distill/core/random.h"
#include "distill/model/family.h"
#include "distill/model/loading.h"

namespace distill {
namespace {

bool is_norm(WeightRole role) {
  switch (role) {
    case WeightRole::kEmbeddingNorm:
    case WeightRole::kAttentionNorm:
    case WeightRole::kQueryNorm:
    case WeightRole::kKeyNorm:
    case WeightRole::kAttentionOutputNorm:
    case WeightRole::kMlpNorm:
    case WeightRole::kMlpOutputNorm:
    case WeightRole::kFinalNorm:
      return true;
    default:
      return false;
  }
}

/// The standard deviation of a matrix's first values.
double initial_deviation(const TransformerConfig& config, WeightRole role) {
  const bool residual = role == WeightRole::kAttentionOutput || role == WeightRole::kDown;
  if (!residual || !config.scaled_residual_init) return config.initializer_range;
  return config.initializer_range / std::sqrt(2.0 * static_cast<double>(config.num_layers()));
}

std::vector<at::Tensor> values_of(const Transformer& model) {
  std::vector<at::Tensor> values;
  model.visit([&](const std::string&, const Parameter& parameter, bool) {
    values.push_back(parameter.value);
  });
  return values;
}

}  // namespace

Transformer make_student_from_layers(const Transformer& teacher,
                                     const std::vector<int64_t>& layers) {
  TransformerConfig config = select_layers(teacher.config(), layers);
  // A view of the teacher with the blocks chosen, whose values are then copied one by one.
  Transformer view(config, teacher.dtype(), at::kMeta);
  view.modules() = teacher.modules();
  view.modules().blocks.clear();
  for (const int64_t layer : layers) {
    view.modules().blocks.push_back(teacher.modules().blocks[static_cast<size_t>(layer)]);
  }
  Transformer student(std::move(config), teacher.dtype(), teacher.device());
  const at::NoGradGuard no_gradient;
  const std::vector<at::Tensor> from = values_of(view), to = values_of(student);
  for (size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
  return student;
}

void initialise(Transformer& model, uint64_t seed) {
  const at::NoGradGuard no_gradient;
  const TransformerConfig& config = model.config();
  const Family& family = find_family(config.family, "model");
  walk(model.modules(),
       [&](WeightRole role, int64_t layer, std::string_view kind, Parameter& parameter) {
         at::Tensor& value = parameter.value;
         if (!value.defined()) return;
         if (kind == "bias") {
           value.zero_();
         } else if (is_norm(role)) {
           value.fill_(1.0 - config.norm_weight_offset);
         } else {
           const std::string name = stored_weight(family, role, layer, kind).parameter_name();
           const at::Generator generator =
               at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, "init " + name));
           value.copy_(at::empty(value.sizes(), at::kFloat)
                           .normal_(0.0, initial_deviation(config, role), generator));
         }
       });
}

}  // namespace distill
