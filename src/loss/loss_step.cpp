#include "distill/loss/loss_step.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "distill/core/error.h"
#include "distill/objective/feature_objective.h"

namespace distill {
namespace {

/// Whether a batch has something for one of the terms.
bool counts(const Batch& batch, const std::vector<LossTerm>& terms) {
  const UnitCounts units = UnitCounts::of(batch);
  const auto has_unit = [&](const LossTerm& term) { return units[term.objective->unit()] > 0; };
  return std::any_of(terms.begin(), terms.end(), has_unit);
}

LossResult nothing(const std::vector<LossTerm>& terms, const Transformer& student,
                   const LossOptions& options) {
  LossResult result;
  const auto scalar = at::TensorOptions().device(student.device()).dtype(at::kDouble);
  const auto rows = scalar.dtype(student.dtype() == at::kDouble ? at::kDouble : at::kFloat);
  for (const LossTerm& term : terms) {
    result.sums.push_back(at::zeros({}, scalar));
    if (!options.want_row_losses) continue;
    const bool has_rows = dynamic_cast<const LogitObjective*>(term.objective) != nullptr;
    result.row_losses.push_back(has_rows ? at::empty({0}, rows) : at::Tensor());
  }
  return result;
}

/// One walk through the graph for everything that has a gradient.
class Backward {
 public:
  void add(const at::Tensor& root, const at::Tensor& gradient) {
    if (!root.requires_grad()) return;  // below it nothing trains
    roots_.push_back(root);
    gradients_.push_back(gradient);
  }
  void run() const {
    if (!roots_.empty()) torch::autograd::backward(roots_, gradients_);
  }

 private:
  std::vector<at::Tensor> roots_, gradients_;
};

/// What follows a forward pass: the terms' sums, and a walk back.
class Terms {
 public:
  Terms(const Transformer& student, const std::vector<LossTerm>& terms, const Batch& batch,
        const StepContext& context, const LossOptions& options)
      : student_(student), terms_(terms), batch_(batch), context_(context), options_(options) {
    for (size_t i = 0; i < terms.size(); ++i) sort_in(i);
    result_.sums.resize(terms.size());
    if (options.want_row_losses) result_.row_losses.resize(terms.size());
  }

  void add_head(const Trace& trace, const TeacherRows& teacher, HeadBuffers& buffers) {
    if (head_terms_.empty() && !options_.observer) return;
    HeadRows rows;
    rows.hidden = trace.hidden.index_select(0, batch_.loss_rows);
    rows.targets = batch_.targets.index_select(0, batch_.loss_rows);
    rows.keys = batch_.keys;
    HeadStepOptions options;
    options.want_gradients = options_.want_gradients;
    options.want_row_losses = options_.want_row_losses;
    options.observer = options_.observer;
    options.buffers = &buffers;
    options.want_d_hidden = rows.hidden.requires_grad();
    const HeadResult head =
        head_step(rows, student_.head(), head_gradients(), teacher, head_terms_, context_, options);
    for (size_t i = 0; i < head_terms_.size(); ++i) {
      result_.sums[head_places_[i]] = head.sums[i];
      if (options_.want_row_losses) result_.row_losses[head_places_[i]] = head.row_losses[i];
    }
    backward_.add(rows.hidden, head.d_hidden);
  }

  void add_features(const Trace& trace, const TeacherAnswer& answer, const ModelTaps& models) {
    for (const size_t place : feature_places_) {
      const auto& objective = static_cast<const FeatureObjective&>(*terms_[place].objective);
      FeatureRows rows{batch_};
      for (const TapPair& pair : objective.pairs(models)) {
        rows.pairs.push_back({trace.taps.at(pair.student), answer.taps.at(pair.teacher),
                              context_.value(pair.weight)});
      }
      if (const auto* parameters = terms_[place].parameters) {
        for (const Parameter& own : *parameters) rows.parameters.push_back(own.value);
      }
      rows.weights = row_weights(place);
      const at::Tensor sum = objective.sum(rows, context_);
      result_.sums[place] = sum.detach().to(at::kDouble);
      backward_.add(sum, at::full_like(sum, terms_[place].scale));
    }
  }

  LossResult finish() {
    backward_.run();
    return std::move(result_);
  }

 private:
  void sort_in(size_t place) {
    const Objective* objective = terms_[place].objective;
    if (const auto* logits = dynamic_cast<const LogitObjective*>(objective)) {
      head_terms_.push_back({logits, terms_[place].scale, row_weights(place)});
      head_places_.push_back(place);
    } else if (dynamic_cast<const FeatureObjective*>(objective) != nullptr) {
      feature_places_.push_back(place);
    } else {
      throw Error("LossStep: an objective of a kind that it does not know");
    }
  }

  at::Tensor row_weights(size_t place) const {
    const LossTerm& term = terms_[place];
    if (term.weights.defined()) return term.weights;
    return term.row_weights ? batch_.weights : at::Tensor();
  }

  HeadGradients head_gradients() const {
    if (!options_.want_gradients) return {};
    return {student_.head_parameter().gradient, student_.modules().head.bias.gradient};
  }

  const Transformer& student_;
  const std::vector<LossTerm>& terms_;
  const Batch& batch_;
  const StepContext& context_;
  const LossOptions& options_;
  std::vector<HeadTerm> head_terms_;
  std::vector<size_t> head_places_, feature_places_;  // among all terms
  LossResult result_;
  Backward backward_;
};

}  // namespace

LossStep::LossStep(const Transformer& student, Teacher* teacher)
    : student_(student), teacher_(teacher) {
  models_.student = tap_shapes(student.config());
  if (teacher != nullptr) models_.teacher = teacher->offers().taps;
}

Needs LossStep::needs_of(const std::vector<LossTerm>& terms) const {
  Needs needs;
  for (const LossTerm& term : terms) needs.merge(term.objective->needs(models_));
  return needs;
}

void LossStep::expect(std::span<const Batch> batches, const std::vector<LossTerm>& terms) {
  const Needs needs = needs_of(terms);
  if (teacher_ == nullptr || !needs.teacher()) return;
  for (const Batch& batch : batches) teacher_->expect(batch, needs);
}

LossResult LossStep::add(const Batch& given, const std::vector<LossTerm>& terms,
                         const StepContext& context, const LossOptions& options) {
  const Batch batch = given.to(student_.device());
  if (!counts(batch, terms)) return nothing(terms, student_, options);
  const at::AutoGradMode mode(options.want_gradients);
  const Needs needs = needs_of(terms);
  // The teacher first: its inner values are gone before the student's are kept.
  TeacherAnswer answer;
  if (teacher_ != nullptr && needs.teacher()) answer = teacher_->answer(batch, needs);
  ForwardOptions forward;
  forward.taps = needs.student_taps;
  forward.training = options.want_gradients;
  forward.gradient_checkpointing = options.gradient_checkpointing;
  const Trace trace = student_.forward(batch, forward);

  Terms all(student_, terms, batch, context, options);
  all.add_head(trace, answer.rows, buffers_);
  all.add_features(trace, answer, models_);
  return all.finish();
}

}  // namespace distill
