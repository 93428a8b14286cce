#include <ATen/core/Tensor.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "distill/objective/head_step.h"
#include "distill/train/model_plan.h"

namespace distill {
namespace {

/// Values that a block keeps for its backward, a token: norms' inputs, q, k, v, the attention's
/// output, the feed-forward's gate, up and product, both residual sums.
int64_t saved_values(const LayerConfig& layer, int64_t hidden_size) {
  const int64_t heads = layer.num_heads * layer.head_dim;
  const int64_t kv = layer.num_kv_heads * layer.head_dim;
  const int64_t feed_forward = layer.intermediate_size * (layer.gated_mlp ? 3 : 2);
  return 4 * hidden_size + 3 * heads + 3 * kv + feed_forward;
}

int64_t values(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

/// Of the blocks that backward walks, from `lowest_block` up, and at least of one: a forward pass
/// holds as much.
int64_t activation_bytes(const RunConfig& config, const TransformerConfig& model,
                         int64_t lowest_block, int64_t tokens, int64_t width) {
  const bool checkpointing = config.train.gradient_checkpointing;
  int64_t walked = 0, largest = 0;
  for (int64_t layer = 0; layer < model.num_layers(); ++layer) {
    const int64_t block = saved_values(model.layers[static_cast<size_t>(layer)], model.hidden_size);
    largest = std::max(largest, block);
    if (layer >= lowest_block) walked += checkpointing ? model.hidden_size : block;
  }
  return tokens * width * (checkpointing ? largest + walked : std::max(largest, walked));
}

/// Inner values that objectives compare, a token: the teacher's, and both once more as the loss has
/// them. The student's own are among its activations.
int64_t feature_bytes(const RunConfig& config, const ModelTaps& models, int64_t teacher_width,
                      int64_t loss_width) {
  int64_t bytes = 0;
  for (const ObjectiveTerm& term : config.objective) {
    const Needs needs = term.value->needs(models);
    for (const Tap& tap : needs.student_taps) bytes += values(models.student.at(tap)) * loss_width;
    for (const Tap& tap : needs.teacher_taps) {
      bytes += values(models.teacher.at(tap)) * (teacher_width + loss_width);
    }
  }
  return bytes;
}

/// fp32 copies of a chunk of logits that autograd holds at one time; the fused kernel holds none.
constexpr int64_t kLossBuffers = 6;

}  // namespace

bool loss_is_fused(const RunConfig& config, at::Device device, at::ScalarType dtype) {
  std::vector<HeadTerm> terms;
  for (const ObjectiveTerm& term : config.objective) {
    if (const auto* logits = dynamic_cast<const LogitObjective*>(term.value.get())) {
      terms.push_back({logits, 1.0});
    }
  }
  if (config.teacher) dtype = at::promote_types(dtype, teacher_dtype(config, dtype));
  return runs_fused(terms, device, dtype);
}

std::vector<MemoryPart> estimate_memory(const RunConfig& config, const ModelPlan& plan,
                                        at::Device device, at::ScalarType dtype) {
  const auto width = static_cast<int64_t>(c10::elementSize(dtype));
  std::vector<MemoryPart> parts;
  int64_t teacher_width = 0;
  if (plan.teacher) {
    teacher_width = static_cast<int64_t>(c10::elementSize(teacher_dtype(config, dtype)));
    parts.push_back({"teacher weights", parameter_count(plan.teacher->config) * teacher_width});
  }
  if (!plan.student) return parts;
  const TransformerConfig& student = plan.student->config;
  const int64_t frozen = parameter_count(student) - plan.trained.parameters;
  const int64_t count = plan.trained.parameters + plan.trained.own_parameters;
  if (frozen > 0) parts.push_back({"student frozen weights", frozen * width});
  const int64_t master_width = dtype == at::kDouble ? 8 : 4;
  if (width != master_width) parts.push_back({"student compute weights", count * width});
  parts.push_back({"student master weights", count * master_width});
  parts.push_back({"gradients", count * master_width});
  parts.push_back({"AdamW moments", 2 * count * master_width});
  const int64_t tokens = config.train.micro_batch_size * config.data.max_length;
  parts.push_back({"activations, a full micro-batch",
                   activation_bytes(config, student, plan.trained.lowest_block, tokens, width)});
  if (plan.teacher) {
    const int64_t features = feature_bytes(config, plan.taps, teacher_width, master_width);
    if (features > 0) parts.push_back({"features of both models", tokens * features});
  }
  const bool fused = loss_is_fused(config, device, dtype);
  const int64_t buffers = student.logit_softcap > 0.0 && fused ? 2 : 1;
  int64_t row_bytes = student.vocab_size * width;
  if (plan.teacher) row_bytes += plan.teacher->config.vocab_size * teacher_width;
  const int64_t rows = std::min(chunk_rows(device, row_bytes, fused), tokens);
  const int64_t losses = fused ? 0 : kLossBuffers * master_width * student.vocab_size;
  parts.push_back({"head: logits and losses of a chunk",
                   rows * (row_bytes + (buffers - 1) * student.vocab_size * width + losses)});
  return parts;
}

}  // namespace distill
