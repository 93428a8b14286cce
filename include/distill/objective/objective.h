// A term of the loss: what objectives of every kind have in common. The kinds are LogitObjective
// (rows of logits) and FeatureObjective (inner values of both models).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "distill/config/number.h"
#include "distill/config/registry.h"
#include "distill/config/section.h"
#include "distill/flow/trace.h"
#include "distill/objective/loss_unit.h"
#include "distill/objective/step_context.h"

namespace distill {

/// A parameter that an objective has of its own, such as a projector: trained by the run's
/// optimizer, kept in its checkpoints, no part of the model that is written.
struct ObjectiveParameter {
  std::string name;
  std::vector<int64_t> shape;
  double bound = 0.0;  ///< first values: uniform in [-bound, bound], from the run's seed
};

/// An objective is its options and nothing else: what it remembers or learns lives outside.
class Objective {
 public:
  virtual ~Objective() = default;

  /// What it asks of these models, at any step. Throws ConfigError where they do not have what its
  /// options name; once it has answered, no step throws one.
  virtual Needs needs(const ModelTaps& models) const = 0;
  /// Whether it asks a teacher for anything, whatever the models.
  virtual bool needs_teacher() const = 0;
  /// What its sum is divided by the count of.
  virtual LossUnit unit() const { return LossUnit::kLossToken; }
  /// In a fixed order; for models that `needs` has accepted.
  virtual std::vector<ObjectiveParameter> parameters(const ModelTaps&) const { return {}; }

  double weight(const StepContext& context) const { return context.value(weight_); }
  const Number& weight() const { return weight_; }
  /// What logs call it; empty: its registered name.
  const std::string& label() const { return label_; }

  void fields(Section& section);

 protected:
  virtual void options(Section& section) = 0;

 private:
  Number weight_ = 1.0;
  std::string label_;
};

/// A term of the loss as the configuration lists it.
struct ObjectiveTerm {
  std::string type;
  std::unique_ptr<Objective> value;

  const std::string& label() const { return value->label().empty() ? type : value->label(); }
};

/// Every objective that a configuration can name.
const Registry<Objective>& objectives();

}  // namespace distill
