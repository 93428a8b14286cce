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

class ChunkedHead {
 public:
  ChunkedHead(const Head& head, const HeadGradients& gradients, const std::vector<HeadTerm>& terms,
              const StepContext& context)
      : head_(head), gradients_(gradients), terms_(terms), context_(context) {}

  /// Adds the chunk's sums; returns the gradient of the hidden rows, undefined without gradients.
  at::Tensor step(const at::Tensor& hidden, LogitRows rows, std::vector<at::Tensor>& sums,
                  bool want_gradients) const {
    at::Tensor product = at::linear(hidden, head_.weight, head_.bias).detach();
    product.set_requires_grad(want_gradients);
    at::Tensor total;
    {
      const at::AutoGradMode mode(want_gradients);
      rows.student = scale_and_cap(product, head_);
      for (size_t i = 0; i < terms_.size(); ++i) {
        const at::Tensor sum = terms_[i].objective->sum(rows, context_);
        sums[i].add_(sum.detach());
        const at::Tensor scaled = sum * terms_[i].scale;
        total = total.defined() ? total + scaled : scaled;
      }
    }
    if (!want_gradients || !total.requires_grad()) return {};
    const at::Tensor d_product = torch::autograd::grad({total}, {product})[0];
    if (gradients_.weight.defined()) add_product(gradients_.weight, d_product, hidden);
    if (gradients_.bias.defined()) gradients_.bias.add_(d_product.sum(0));
    return at::mm(d_product, head_.weight);
  }

 private:
  const Head& head_;
  const HeadGradients& gradients_;
  const std::vector<HeadTerm>& terms_;
  const StepContext& context_;
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

int64_t default_chunk_rows(at::Device device) { return device.is_cpu() ? 128 : 4096; }

}  // namespace distill
