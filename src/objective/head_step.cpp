#include "distill/objective/head_step.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "distill/ops/weight_gradient.h"
#include "objective/fused_plan.h"

namespace distill {
namespace {

/// The rows with these weights. Those of weight 0 hold nothing that their loss could make infinite.
LogitRows weighted(LogitRows rows, const at::Tensor& weights) {
  rows.weights = weights;
  if (!weights.defined()) return rows;
  const at::Tensor ignored = (rows.weights == 0).unsqueeze(1);
  for (at::Tensor* tensor : {&rows.student, &rows.teacher, &rows.sparse.log_probs}) {
    if (tensor->defined()) *tensor = tensor->masked_fill(ignored, 0);
  }
  return rows;
}

/// The wider of the two models'.
at::ScalarType loss_dtype(const Head& head, const TeacherRows& teacher) {
  const at::ScalarType own = head.weight.scalar_type();
  return teacher.logits ? at::promote_types(own, teacher.dtype) : own;
}

class ChunkedHead {
 public:
  ChunkedHead(const HeadRows& rows, const Head& head, const HeadGradients& gradients,
              const TeacherRows& teacher, const std::vector<HeadTerm>& terms,
              const StepContext& context, const HeadStepOptions& options)
      : rows_(rows),
        head_(head),
        gradients_(gradients),
        teacher_(teacher),
        terms_(terms),
        context_(context),
        options_(options),
        dtype_(loss_dtype(head, teacher)),
        plan_(plan_fused(terms, context, head.weight.device(), dtype_, options.want_gradients)),
        buffers_(options.buffers != nullptr ? *options.buffers : own_buffers_) {
    hidden_ = rows.hidden.detach().to(head.weight.scalar_type());
    const auto scalar = hidden_.options().dtype(at::kDouble);
    for (size_t i = 0; i < terms.size(); ++i) result_.sums.push_back(at::zeros({}, scalar));
    if (wants_d_hidden()) result_.d_hidden = at::empty_like(hidden_);
    if (options.want_row_losses) {
      const auto wide = hidden_.options().dtype(dtype_ == at::kDouble ? at::kDouble : at::kFloat);
      for (size_t i = 0; i < terms.size(); ++i) {
        result_.row_losses.push_back(at::empty({hidden_.size(0)}, wide));
      }
    }
  }

  HeadResult run() {
    const int64_t count = hidden_.size(0);
    const int64_t rows = std::min(count, rows_per_chunk());
    student_buffer_ = buffers_.student(rows, head_.vocabulary(), hidden_.options());
    if (teacher_.logits) {
      teacher_buffer_ =
          buffers_.teacher(rows, teacher_.vocabulary, hidden_.options().dtype(teacher_.dtype));
    }
    for (int64_t begin = 0; begin < count; begin += rows) {
      step(begin, std::min(begin + rows, count));
    }
    if (wants_d_hidden()) result_.d_hidden = result_.d_hidden.to(rows_.hidden.scalar_type());
    return std::move(result_);
  }

 private:
  bool wants_d_hidden() const { return options_.want_gradients && options_.want_d_hidden; }

  int64_t rows_per_chunk() const {
    if (options_.chunk_rows > 0) return options_.chunk_rows;
    const auto own = static_cast<int64_t>(hidden_.element_size());
    const auto wide = static_cast<int64_t>(c10::elementSize(dtype_));
    const int64_t vocabulary = head_.vocabulary();
    int64_t bytes = vocabulary * (own == wide ? own : own + wide);
    if (teacher_.logits) {
      const auto theirs = static_cast<int64_t>(c10::elementSize(teacher_.dtype));
      bytes += teacher_.vocabulary * (theirs == wide ? theirs : theirs + wide);
    }
    return chunk_rows(hidden_.device(), bytes, plan_.all_fused());
  }

  void step(int64_t begin, int64_t end) {
    const at::Tensor hidden = hidden_.slice(0, begin, end);
    const at::Tensor product = student_buffer_.slice(0, 0, end - begin);
    Head{head_.weight, head_.bias}.logits_into(hidden, product);
    begin_ = begin;
    end_ = end;
    LogitRows rows = chunk();
    const bool fused = plan_.all_fused() || !options_.want_gradients;
    const at::Tensor d_product =
        fused ? fused_gradient(product, rows) : autograd_gradient(product, rows);
    if (!options_.want_gradients) return;
    at::Tensor d_hidden;
    if (wants_d_hidden()) d_hidden = result_.d_hidden.slice(0, begin, end);
    if (!d_product.defined()) {
      if (d_hidden.defined()) d_hidden.zero_();
      return;
    }
    if (gradients_.weight.defined()) add_weight_gradient(gradients_.weight, d_product, hidden);
    at::Tensor d_bias = gradients_.bias;
    if (d_bias.defined()) d_bias.add_(d_product.sum(0, false, d_bias.scalar_type()));
    if (d_hidden.defined()) at::mm_out(d_hidden, d_product, head_.weight);
  }

  /// What the student's logits of the chunk are compared to.
  LogitRows chunk() const {
    LogitRows rows;
    rows.targets = chunk_of(rows_.targets);
    rows.keys = chunk_of(rows_.keys);
    if (teacher_.logits) {
      rows.teacher = teacher_buffer_.slice(0, 0, end_ - begin_);
      teacher_.logits(begin_, end_, rows.teacher);
    } else if (teacher_.sparse) {
      rows.sparse = teacher_.sparse(begin_, end_);
    }
    return rows;
  }

  /// Through the kernel, in place of the product where the teacher's logits have its dtype. Terms
  /// that the kernel does not know only come here without gradients.
  at::Tensor fused_gradient(const at::Tensor& product, LogitRows& rows) {
    rows.student = product.to(dtype_);
    if (rows.teacher.defined()) rows.teacher = rows.teacher.to(dtype_);
    if (head_.logit_scale != 1.0) rows.student.mul_(head_.logit_scale);
    if (head_.logit_softcap > 0.0) cap(rows.student);
    if (options_.observer) options_.observer(rows);
    for (const FusedCall& call : plan_.calls) {
      rows.weights = chunk_of(call.weights);
      const FusedRowLosses losses = call.run(rows, options_.want_gradients);
      if (call.cross_entropy) add(*call.cross_entropy, losses.cross_entropy, rows.weights, 1.0);
      if (call.divergence) add(*call.divergence, losses.divergence, rows.weights, call.factor);
    }
    for (const size_t i : plan_.others) add_sum(i, rows);
    if (!options_.want_gradients || plan_.calls.empty()) return {};
    if (head_.logit_softcap > 0.0) {
      at::tanh_backward_out(rows.student, rows.student, capped_);
    }
    if (head_.logit_scale != 1.0) rows.student.mul_(head_.logit_scale);
    return rows.student.to(product.scalar_type());
  }

  /// Keeps the hyperbolic tangent, which backward needs after the kernel has written over it.
  void cap(at::Tensor& logits) {
    logits.div_(head_.logit_softcap).tanh_();
    if (options_.want_gradients) {
      capped_ = buffers_.capped(logits.size(0), logits.size(1), logits.options());
      capped_.copy_(logits);
    }
    logits.mul_(head_.logit_softcap);
  }

  at::Tensor autograd_gradient(at::Tensor product, LogitRows& rows) {
    const at::AutoGradMode mode(true);
    product = product.detach().set_requires_grad(true);
    rows.student = product;
    if (head_.logit_scale != 1.0) rows.student = rows.student * head_.logit_scale;
    if (head_.logit_softcap > 0.0) {
      rows.student = at::tanh(rows.student / head_.logit_softcap) * head_.logit_softcap;
    }
    if (options_.observer) options_.observer(rows);
    at::Tensor total;
    for (size_t i = 0; i < terms_.size(); ++i) {
      const at::Tensor scaled = add_sum(i, rows) * terms_[i].scale;
      total = total.defined() ? total + scaled : scaled;
    }
    if (!total.requires_grad()) return {};
    return torch::autograd::grad({total}, {product})[0];
  }

  /// Row losses of the kernel into the term's sum.
  void add(size_t term, const at::Tensor& losses, const at::Tensor& weights, double factor) {
    at::Tensor weighted = losses;
    if (weights.defined()) weighted = (losses * weights).masked_fill(weights == 0, 0);
    result_.sums[term].add_(weighted.sum(at::kDouble), factor);
    keep_rows(term, losses, weights, factor);
  }

  /// A term that the kernel does not know into its sum, which may have a gradient.
  at::Tensor add_sum(size_t term, const LogitRows& all) {
    const LogitObjective& objective = *terms_[term].objective;
    const LogitRows rows = weighted(all, chunk_of(terms_[term].weights));
    const at::Tensor losses = objective.row_losses(rows, context_);
    const at::Tensor sum = objective.sum(losses, rows.weights, context_);
    result_.sums[term].add_(sum.detach());
    keep_rows(term, losses.detach(), rows.weights, objective.row_factor(context_));
    return sum;
  }

  void keep_rows(size_t term, const at::Tensor& losses, const at::Tensor& weights, double factor) {
    if (!options_.want_row_losses) return;
    at::Tensor rows = losses * factor;
    if (weights.defined()) rows = rows.masked_fill(weights == 0, 0);
    result_.row_losses[term].slice(0, begin_, end_).copy_(rows);
  }

  at::Tensor chunk_of(const at::Tensor& of_rows) const {
    return of_rows.defined() ? of_rows.slice(0, begin_, end_) : of_rows;
  }

  const HeadRows& rows_;
  const Head& head_;
  const HeadGradients& gradients_;
  const TeacherRows& teacher_;
  const std::vector<HeadTerm>& terms_;
  const StepContext& context_;
  const HeadStepOptions& options_;
  at::ScalarType dtype_;  // of the logits that losses are computed from
  FusedPlan plan_;
  HeadBuffers own_buffers_;
  HeadBuffers& buffers_;
  int64_t begin_ = 0, end_ = 0;  // the rows of the chunk under way
  at::Tensor hidden_, student_buffer_, teacher_buffer_, capped_;
  HeadResult result_;
};

}  // namespace

HeadResult head_step(const HeadRows& rows, const Head& head, const HeadGradients& gradients,
                     const TeacherRows& teacher, const std::vector<HeadTerm>& terms,
                     const StepContext& context, const HeadStepOptions& options) {
  const at::NoGradGuard no_grad;
  const Head frozen{head.weight.detach(), head.bias.defined() ? head.bias.detach() : head.bias,
                    head.logit_scale, head.logit_softcap};
  return ChunkedHead(rows, frozen, gradients, teacher, terms, context, options).run();
}

int64_t chunk_rows(at::Device device, int64_t row_bytes, bool fused) {
  constexpr int64_t kMegabyte = int64_t{1} << 20;
  constexpr int64_t kAutogradFactor = 4;  // its temporaries, in units of both rows of logits
  constexpr int64_t kStep = 64;
  const int64_t budget = (device.is_cpu() ? 640 : 2560) * kMegabyte;
  const int64_t most = device.is_cpu() ? 512 : 4096;
  const int64_t rows =
      budget / std::max<int64_t>(1, fused ? row_bytes : kAutogradFactor * row_bytes);
  return std::clamp(rows / kStep * kStep, kStep, most);
}

}  // namespace distill
