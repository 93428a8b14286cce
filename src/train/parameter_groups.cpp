#include "train/parameter_groups.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <optional>

#include "distill/core/error.h"
#include "distill/core/regex.h"

namespace distill {
namespace {

using Names = std::vector<std::string>;

/// As model.safetensors has it: the parts of a fused tensor share one.
std::string stored_name(const std::string& parameter) {
  return parameter.substr(0, parameter.find('#'));
}

/// A few of the names, the first to the last.
std::string some_of(const Names& names) {
  constexpr size_t kShown = 6;
  const size_t shown = std::min(kShown, names.size());
  std::string text;
  for (size_t i = 0; i < shown; ++i) {
    const size_t at = shown == 1 ? 0 : i * (names.size() - 1) / (shown - 1);
    text += (i == 0 ? "" : ", ") + names[at];
  }
  return text + (shown < names.size() ? " and others" : "");
}

struct NamePattern {
  std::string key;  // where the configuration has it
  std::string expression;
  Regex regex;
  bool used = false;  // it has changed a parameter
};

std::vector<NamePattern> freeze_patterns(const std::vector<std::string>& freeze) {
  std::vector<NamePattern> patterns;
  for (const std::string& expression : freeze) {
    patterns.push_back({"student.freeze", expression, Regex(expression)});
  }
  return patterns;
}

std::vector<NamePattern> group_patterns(const std::vector<ParameterGroupConfig>& groups) {
  std::vector<NamePattern> patterns;
  for (const ParameterGroupConfig& group : groups) {
    const std::string key = "optimizer.groups." + std::to_string(patterns.size()) + ".match";
    patterns.push_back({key, group.match, Regex(group.match)});
  }
  return patterns;
}

bool freezes(std::vector<NamePattern>& patterns, const std::string& name) {
  bool any = false;
  for (NamePattern& pattern : patterns) {
    if (pattern.regex.found_in(name)) any = pattern.used = true;
  }
  return any;
}

/// The place of the group that takes the parameter; none: it trains as all others.
std::optional<size_t> group_of(std::vector<NamePattern>& patterns, const std::string& name) {
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (!patterns[i].regex.found_in(name)) continue;
    patterns[i].used = true;
    return i;
  }
  return std::nullopt;
}

/// `owners`: "the student has", whose the names are.
void report_unused(const std::vector<NamePattern>& patterns, const Names& names,
                   const std::string& owners, std::vector<std::string>& problems) {
  for (const NamePattern& pattern : patterns) {
    if (pattern.used) continue;
    const bool found = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return pattern.regex.found_in(name);
    });
    problems.push_back(pattern.key + ": '" + pattern.expression + "' " +
                       (found
                            ? "matches only parameters that are frozen or in a group before it"
                            : "is found in no parameter's name; " + owners + " " + some_of(names)));
  }
}

/// `entry`: of optimizer.groups; `decays`: the tensor is a matrix, neither norm nor bias.
ParameterGroup settings_of(const AdamWOptions& optimizer, std::optional<size_t> entry,
                           bool decays) {
  const ParameterGroupConfig rest{"all others", 1.0, std::nullopt};
  const ParameterGroupConfig& config = entry ? optimizer.groups[*entry] : rest;
  if (config.weight_decay) return {config.match, config.lr_scale, *config.weight_decay};
  if (decays) return {config.match, config.lr_scale, optimizer.weight_decay};
  return {config.match + ": norms and biases", config.lr_scale, 0.0};
}

int64_t lowest_block(Transformer& student, const at::Tensor* first_trained) {
  int64_t lowest = 0;
  walk(student.modules(),
       [&](WeightRole role, int64_t layer, std::string_view, const Parameter& parameter) {
         if (&parameter.value != first_trained) return;
         const bool above = role == WeightRole::kFinalNorm || role == WeightRole::kHead;
         lowest = above ? student.config().num_layers() : layer;
       });
  return lowest;
}

}  // namespace

std::vector<ParameterRef> trainable_parameters(Transformer& student, ObjectiveParameters& own,
                                               const AdamWOptions& optimizer,
                                               const std::vector<std::string>& freeze) {
  std::vector<NamePattern> frozen = freeze_patterns(freeze);
  std::vector<NamePattern> groups = group_patterns(optimizer.groups);
  Names names;
  std::vector<ParameterRef> trained;
  const auto train = [&](const std::string& name, const std::string& stored, Parameter& parameter,
                         bool decays) {
    trained.push_back({name, &parameter.value, &parameter.gradient,
                       settings_of(optimizer, group_of(groups, stored), decays)});
  };
  student.visit([&](const std::string& name, Parameter& parameter, bool decays) {
    const std::string stored = stored_name(name);
    if (std::find(names.begin(), names.end(), stored) == names.end()) names.push_back(stored);
    if (!freezes(frozen, stored)) train(name, stored, parameter, decays);
  });
  std::vector<std::string> problems;
  report_unused(frozen, names, "the student has", problems);
  if (trained.empty()) problems.emplace_back("student.freeze: nothing is left to train");
  own.visit([&](const std::string& name, Parameter& parameter, bool decays) {
    names.push_back(name);
    train(name, name, parameter, decays);
  });
  report_unused(groups, names, own.empty() ? "the student has" : "student and objectives have",
                problems);
  if (!problems.empty()) throw ConfigError(problems);
  return trained;
}

TrainedPart plan_trained_part(const TransformerConfig& student, const ModelTaps& models,
                              const std::vector<ObjectiveTerm>& objectives,
                              const AdamWOptions& optimizer,
                              const std::vector<std::string>& freeze) {
  Transformer shapes(student, at::kFloat, at::kMeta);
  ObjectiveParameters own(objectives, models, at::TensorOptions().device(at::kMeta), 0);
  const std::vector<ParameterRef> trained = trainable_parameters(shapes, own, optimizer, freeze);
  TrainedPart part;
  part.lowest_block = lowest_block(shapes, trained.front().value);
  for (const ParameterRef& parameter : trained) {
    const auto known =
        std::find_if(part.groups.begin(), part.groups.end(),
                     [&](const PlannedGroup& group) { return group.settings == parameter.group; });
    PlannedGroup& group = known != part.groups.end()
                              ? *known
                              : part.groups.emplace_back(PlannedGroup{parameter.group});
    ++group.tensors;
    group.parameters += parameter.value->numel();
    part.parameters += parameter.value->numel();
  }
  own.visit([&part](const std::string&, const Parameter& parameter, bool) {
    part.own_parameters += parameter.value.numel();
  });
  part.parameters -= part.own_parameters;
  return part;
}

}  // namespace distill
