// The whole configuration of a run as typed structs. Nothing below this file sees YAML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "distill/config/config_file.h"
#include "distill/config/section.h"
#include "distill/data/data_config.h"
#include "distill/objective/objective.h"
#include "distill/optim/adamw.h"
#include "distill/optim/schedule.h"

namespace distill {

struct RunSection {
  std::string output_dir = "runs/distill";
  int64_t seed = 42;
  std::string device = "auto";
  std::string dtype = "auto";
  int64_t threads = 0;

  void fields(Section& section);
};

struct TeacherConfig {
  std::string type = "live";
  std::string path;
  std::string device = "auto";
  std::string dtype = "auto";

  void fields(Section& section);
};

/// A student that is made of some of the teacher's layers.
struct FromTeacherConfig {
  std::vector<int64_t> layers;

  void fields(Section& section);
};

/// Exactly one of path, from_teacher and config.
struct StudentConfig {
  std::optional<std::string> path;
  std::optional<FromTeacherConfig> from_teacher;
  std::optional<std::string> config;
  std::optional<std::string> tokenizer;
  std::vector<std::string> freeze;  ///< regular expressions: what they match does not train

  void fields(Section& section);
};

struct TrainConfig {
  double num_epochs = 1.0;
  std::optional<int64_t> max_steps;
  int64_t micro_batch_size = 8;
  int64_t gradient_accumulation_steps = 1;
  double max_grad_norm = 1.0;
  bool gradient_checkpointing = false;
  int64_t logging_steps = 10;
  int64_t eval_steps = 0;
  bool eval_at_start = false;
  int64_t save_steps = 0;
  bool save_last = true;
  int64_t save_total_limit = 3;
  std::optional<std::string> metric_for_best_model;
  std::optional<int64_t> early_stopping_patience;

  void fields(Section& section);
};

struct RunConfig {
  RunSection run;
  std::optional<TeacherConfig> teacher;
  StudentConfig student;
  DataConfig data;
  std::vector<ObjectiveTerm> objective;
  AdamWOptions optimizer;
  ScheduleConfig lr_scheduler;
  TrainConfig train;

  void fields(Section& section);
  /// Whether a term is over inner values of the models.
  bool compares_features() const;
};

/// A configuration file with overrides. Throws ConfigError with all its problems.
struct LoadedConfig {
  RunConfig config;
  std::string resolved;  ///< YAML with the origin of every value
  /// Every value under its dotted path.
  std::vector<std::pair<std::string, std::string>> values;
  /// Every number that may change over the run, under its own.
  std::vector<std::pair<std::string, Number>> numbers;
};
LoadedConfig load_run_config(const std::filesystem::path& path,
                             const std::vector<std::string>& overrides);

}  // namespace distill
