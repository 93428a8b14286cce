#include "distill/objective/head_step.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

namespace distill {
namespace {

/// The part of Head::logits after the matrix product.
at::Tensor scale_and_cap(at::Tensor logits, const Head& head) {
  if (head.logit_scale != 1.0) logits = logits * head.logit_scale;
  if (head.logit_softcap > 0.0) logits = at::tanh(logits / head.logit_softcap) * head.logit_softcap;
  return logits;
}

/// target += left^T right, accumulated in the target's dtype.
void add_product(const at::Tensor& target, const at::Tensor& left, const at::Tensor& right) {
  if (target.scalar_type() == left.scalar_type()) {
    target.addmm_(left.t(), right);
  } else {
    target.add_(at::mm(left.t(), right));
  }
}

/// The terms as one call of the fused kernel, with their places; null where it does not know them
/// all or would need more than one divergence.
struct FusedPlan {
  FusedLoss loss;
  std::optional<size_t> cross_entropy, divergence;
  double factor = 1.0;  // of the divergence's row losses in its own sum
};

std::optional<FusedPlan> plan_fused(const std::vector<HeadTerm>& terms) {
  FusedPlan plan;
  for (size_t i = 0; i < terms.size(); ++i) {
    const std::optional<FusedTerm> term = terms[i].objective->fused();
    std::optional<size_t>& place =
        term && term->cross_entropy ? plan.cross_entropy : plan.divergence;
    if (!term || place) return std::nullopt;
    place = i;
    if (term->cross_entropy) {
      plan.loss.cross_entropy = true;
      plan.loss.cross_entropy_scale = terms[i].scale;
      continue;
    }
    plan.loss.divergence = term->divergence;
    plan.loss.temperature = term->temperature;
    plan.loss.ratio = term->ratio;
    plan.loss.divergence_scale = terms[i].scale * term->factor;
    plan.factor = term->factor;
  }
  return plan;
}

class ChunkedHead {
 public:
  ChunkedHead(const Head& head, const HeadGradients& gradients, const std::vector<HeadTerm>& terms,
              const StepContext& context)
      : head_(head), gradients_(gradients), terms_(terms), context_(context) {
    if (runs_fused(terms, head.logit_softcap, head.weight.device())) fused_ = plan_fused(terms);
  }

  /// Adds the chunk's sums; returns the gradient of the hidden rows, undefined without gradients.
  at::Tensor step(const at::Tensor& hidden, LogitRows rows, std::vector<at::Tensor>& sums,
                  bool want_gradients) const {
    const at::Tensor product = at::linear(hidden, head_.weight, head_.bias).detach();
    const at::Tensor d_product = fused_ ? fused_gradient(product, rows, sums, want_gradients)
                                        : autograd_gradient(product, rows, sums, want_gradients);
    if (!d_product.defined()) return {};
    if (gradients_.weight.defined()) add_product(gradients_.weight, d_product, hidden);
    if (gradients_.bias.defined()) gradients_.bias.add_(d_product.sum(0));
    return at::mm(d_product, head_.weight);
  }

 private:
  /// In place of the product, where the teacher's logits have its dtype.
  at::Tensor fused_gradient(const at::Tensor& product, const LogitRows& rows,
                            std::vector<at::Tensor>& sums, bool want_gradients) const {
    const at::ScalarType type =
        rows.teacher.defined()
            ? at::promote_types(product.scalar_type(), rows.teacher.scalar_type())
            : product.scalar_type();
    FusedRows fused;
    fused.student = product.to(type);
    if (head_.logit_scale != 1.0) fused.student.mul_(head_.logit_scale);
    if (fused_->divergence) fused.teacher = rows.teacher.to(type);
    fused.targets = rows.targets.contiguous();
    if (rows.weights.defined()) fused.weights = rows.weights.contiguous();
    const FusedRowLosses losses = fused_loss(fused, fused_->loss, want_gradients);
    const auto add = [&](std::optional<size_t> place, const at::Tensor& row_losses, double factor) {
      if (!place || !row_losses.defined()) return;
      at::Tensor weighted = row_losses;
      if (rows.weights.defined()) {
        weighted = (row_losses * rows.weights).masked_fill(rows.weights == 0, 0);
      }
      sums[*place].add_(weighted.sum(), factor);
    };
    add(fused_->cross_entropy, losses.cross_entropy, 1.0);
    add(fused_->divergence, losses.divergence, fused_->factor);
    if (!want_gradients) return {};
    if (head_.logit_scale != 1.0) fused.student.mul_(head_.logit_scale);
    return fused.student.to(product.scalar_type());
  }

  at::Tensor autograd_gradient(at::Tensor product, LogitRows& rows, std::vector<at::Tensor>& sums,
                               bool want_gradients) const {
    product.set_requires_grad(want_gradients);
    const at::AutoGradMode mode(want_gradients);
    rows.student = scale_and_cap(product, head_);
    if (rows.weights.defined()) {  // a weight of 0 hides whatever the row's loss is
      const at::Tensor hidden = (rows.weights == 0).unsqueeze(1);
      rows.student = rows.student.masked_fill(hidden, 0);
      if (rows.teacher.defined()) rows.teacher = rows.teacher.masked_fill(hidden, 0);
    }
    at::Tensor total;
    for (size_t i = 0; i < terms_.size(); ++i) {
      const at::Tensor sum = terms_[i].objective->sum(rows, context_);
      sums[i].add_(sum.detach());
      const at::Tensor scaled = sum * terms_[i].scale;
      total = total.defined() ? total + scaled : scaled;
    }
    if (!want_gradients || !total.requires_grad()) return {};
    return torch::autograd::grad({total}, {product})[0];
  }

  const Head& head_;
  const HeadGradients& gradients_;
  const std::vector<HeadTerm>& terms_;
  const StepContext& context_;
  std::optional<FusedPlan> fused_;
};

}  // namespace

HeadResult head_step(const HeadRows& rows, const Head& head, const HeadGradients& gradients,
                     const TeacherRows& teacher, const std::vector<HeadTerm>& terms,
                     const StepContext& context, int64_t chunk_rows, bool want_gradients) {
  const at::NoGradGuard no_grad;
  const at::Tensor hidden = rows.hidden.detach().to(head.weight.scalar_type());
  const at::ScalarType sum_dtype = hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  HeadResult result;
  for (size_t i = 0; i < terms.size(); ++i) {
    result.sums.push_back(at::zeros({}, hidden.options().dtype(sum_dtype)));
  }
  if (want_gradients) result.d_hidden = at::zeros_like(hidden);
  const Head frozen{head.weight.detach(), head.bias.defined() ? head.bias.detach() : head.bias,
                    head.logit_scale, head.logit_softcap};
  const ChunkedHead chunked(frozen, gradients, terms, context);
  const int64_t count = hidden.size(0);
  for (int64_t begin = 0; begin < count; begin += chunk_rows) {
    const int64_t end = std::min(begin + chunk_rows, count);
    LogitRows chunk;
    chunk.targets = rows.targets.slice(0, begin, end);
    if (rows.weights.defined()) chunk.weights = rows.weights.slice(0, begin, end);
    if (teacher.defined()) chunk.teacher = teacher.logits(begin, end);
    const at::Tensor d_hidden =
        chunked.step(hidden.slice(0, begin, end), std::move(chunk), result.sums, want_gradients);
    if (d_hidden.defined()) result.d_hidden.slice(0, begin, end).copy_(d_hidden);
  }
  if (want_gradients) result.d_hidden = result.d_hidden.to(rows.hidden.scalar_type());
  return result;
}

bool runs_fused(const std::vector<HeadTerm>& terms, double logit_softcap, at::Device device) {
  return logit_softcap == 0.0 && has_fused_loss(device) && plan_fused(terms).has_value();
}

int64_t default_chunk_rows(at::Device device, bool fused) {
  if (!device.is_cpu()) return 4096;
  return fused ? 512 : 128;
}

}  // namespace distill
