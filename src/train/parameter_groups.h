// Which of a student's parameters train, and with what settings.
#pragma once

#include <string>
#include <vector>

#include "distill/loss/objective_parameters.h"
#include "distill/model/transformer.h"
#include "distill/optim/adamw.h"
#include "distill/train/model_plan.h"

namespace distill {

/// The parameters in whose checkpoint name no pattern of `freeze` is found, in the order of the
/// forward pass, and then what objectives have of their own; each in the first of optimizer.groups
/// that is found in its name. Weights are not looked at: at::kMeta will do. Throws ConfigError that
/// lists every pattern that changes nothing, and where nothing of the student is left to train.
std::vector<ParameterRef> trainable_parameters(Transformer& student, ObjectiveParameters& own,
                                               const AdamWOptions& optimizer,
                                               const std::vector<std::string>& freeze);

/// The same counted, from a description of the models. Throws ConfigError: see also
/// Objective::needs.
TrainedPart plan_trained_part(const TransformerConfig& student, const ModelTaps& models,
                              const std::vector<ObjectiveTerm>& objectives,
                              const AdamWOptions& optimizer,
                              const std::vector<std::string>& freeze);

}  // namespace distill
