// Which models a run needs: found and described first, loaded later.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "distill/model/transformer.h"
#include "distill/model/transformer_config.h"
#include "distill/optim/parameter_group.h"
#include "distill/teacher/teacher.h"
#include "distill/text/chat_template.h"
#include "distill/text/tokenizer.h"
#include "distill/train/run_config.h"

namespace distill {

/// A model folder that was found, and what it says of itself.
struct PlannedModel {
  std::filesystem::path folder;
  TransformerConfig config;
  bool has_weights = false;
};

/// The parameters of a student that share the optimizer's settings.
struct PlannedGroup {
  ParameterGroup settings;
  int64_t tensors = 0;
  int64_t parameters = 0;
};

/// What trains.
struct TrainedPart {
  std::vector<PlannedGroup> groups;
  int64_t parameters = 0;      ///< of the student
  int64_t own_parameters = 0;  ///< of the objectives, such as projectors
  /// Backward ends there: the blocks below keep nothing for it. -1 where an embedding trains, the
  /// number of layers where only what is above the blocks does.
  int64_t lowest_block = 0;
};

/// Teacher, student and tokenizer of a configuration. What could not be found is absent here and
/// has a sentence in `missing`, so that one look names everything.
struct ModelPlan {
  std::optional<PlannedModel> teacher;
  std::optional<PlannedModel>
      student;          ///< from_teacher: the teacher's folder, the student's config
  ModelTaps taps;       ///< of the models that were found
  TrainedPart trained;  ///< of the student
  std::filesystem::path tokenizer_folder;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<const ChatTemplate> chat_template;  ///< the model's own; null: none
  std::vector<std::string> missing;
};

/// Reads config.json files and the tokenizer; no weights. Throws DataError for files that are there
/// and wrong: a teacher with another tokenizer, a tokenizer that does not fit a vocabulary;
/// ConfigError where the objectives need what a model does not have or offer, and for patterns of
/// optimizer.groups and student.freeze that do nothing to the student.
ModelPlan plan_models(const RunConfig& config);

struct LoadedModels {
  std::unique_ptr<Teacher> teacher;  ///< null: none
  std::unique_ptr<Transformer> student;
};

/// Loads or makes the models of a plan that misses nothing. Throws DataError, ConfigError.
LoadedModels load_models(const RunConfig& config, const ModelPlan& plan, at::Device device,
                         at::ScalarType dtype);

/// Whether the run's losses go through the fused kernel: see runs_fused.
bool loss_is_fused(const RunConfig& config, at::Device device, at::ScalarType dtype);

/// The teacher's dtype in a run of `dtype`.
at::ScalarType teacher_dtype(const RunConfig& config, at::ScalarType dtype);

/// Bytes by part, an upper bound for a full micro-batch.
struct MemoryPart {
  std::string name;
  int64_t bytes = 0;
};
std::vector<MemoryPart> estimate_memory(const RunConfig& config, const ModelPlan& plan,
                                        at::Device device, at::ScalarType dtype);

}  // namespace distill
