#include <cstdio>
#include <iostream>
#include <memory>

#include "app/commands.h"
#include "distill/core/error.h"
#include "distill/core/progress.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"
#include "distill/train/run_folder.h"
#include "distill/train/run_plan.h"

namespace distill::app {
namespace {

void print_line(const std::string& name, const std::string& value) {
  std::printf("  %-36s %s\n", name.c_str(), value.c_str());
}

/// `trained`: its parameters that train; none of a teacher's.
void print_model(const char* role, const std::optional<PlannedModel>& model,
                 const TrainedPart& trained = {}) {
  if (!model) return;
  const int64_t layers = model->config.num_layers();
  const int64_t parameters = parameter_count(model->config);
  std::string count = std::to_string(parameters) + " parameters";
  if (!trained.groups.empty()) count += ", " + std::to_string(trained.parameters) + " trained";
  print_line(role, count + " (" + model->config.family + ", " + std::to_string(layers) +
                       plural(" layer", layers) + ")");
}

void print_groups(const TrainedPart& trained) {
  for (const auto& [settings, tensors, parameters] : trained.groups) {
    char rates[80];
    std::snprintf(rates, sizeof rates, ": lr_scale %g, weight_decay %g", settings.lr_scale,
                  settings.weight_decay);
    print_line("trained: " + settings.name, std::to_string(parameters) + " parameters in " +
                                                std::to_string(tensors) +
                                                plural(" tensor", tensors) + rates);
  }
}

/// One a line, each indented.
std::string join(const std::vector<std::string>& sentences) {
  std::string all;
  for (const std::string& sentence : sentences) all += "\n  " + sentence;
  return all;
}

struct ValidateCommand {
  ConfigOptions file;
  bool strict = false;

  void run() const {
    const LoadedConfig loaded = load_run_config(file.path, file.overrides);
    const RunConfig& config = loaded.config;
    const at::Device device = resolve_device(config.run.device);
    const at::ScalarType dtype = resolve_dtype(config.run.dtype, device);
    const ModelPlan plan = plan_models(config);
    for (const auto* model : {&plan.teacher, &plan.student}) {
      if (*model && (*model)->has_weights) check_weights((*model)->folder);
    }
    const DataFiles files(config.data);
    const std::vector<std::string> absent = files.missing();
    std::vector<std::string> missing = plan.missing;
    missing.insert(missing.end(), absent.begin(), absent.end());
    std::cout << loaded.resolved << "---\n" << std::flush;
    const std::string run_there = describe_run(config.run.output_dir);
    if (!run_there.empty()) print_line("warning", run_there);
    print_model("teacher", plan.teacher);
    print_model("student", plan.student, plan.trained);
    if (!config.optimizer.groups.empty()) print_groups(plan.trained);
    if (plan.trained.own_parameters > 0) {
      print_line("objectives' own", std::to_string(plan.trained.own_parameters) +
                                        " parameters, trained and not exported");
    }
    if (plan.tokenizer && absent.empty()) print_data(loaded, files, plan);
    const bool found = plan.student && (plan.teacher || !config.teacher);
    if (found) print_memory(config, plan, device, dtype);
    for (const std::string& sentence : missing) print_line("missing", sentence);
    const std::string unwritable = why_unwritable(config.run.output_dir);
    if (!unwritable.empty()) print_line("run.output_dir", unwritable);
    if (!found || (strict && !missing.empty())) {
      throw DataError("the run needs what is missing: " + join(missing));
    }
    if (!unwritable.empty()) throw DataError(unwritable);
  }

  void print_data(const LoadedConfig& loaded, const DataFiles& files, const ModelPlan& plan) const {
    const RunConfig& config = loaded.config;
    const PlannedData data = plan_data(config, files, plan, Counting::kEpoch);
    const DataReport& report = data.epoch->report;
    print_line("documents an epoch", std::to_string(report.documents));
    print_line("tokens an epoch", std::to_string(report.tokens));
    print_line("loss tokens an epoch", std::to_string(report.loss_tokens));
    for (const std::string& line : data_statistics(data)) print_line("data", line);
    const int64_t steps = total_steps(config.train, data.epoch->batches);
    print_line("optimizer steps", describe_steps(config, data.epoch->batches));
    for (const std::string& warning : plan_warnings(loaded, plan, steps))
      print_line("warning", warning);
  }

  void print_memory(const RunConfig& config, const ModelPlan& plan, at::Device device,
                    at::ScalarType dtype) const {
    int64_t total = 0;
    for (const MemoryPart& part : estimate_memory(config, plan, device, dtype)) {
      print_line("memory: " + part.name, format_bytes(part.bytes));
      total += part.bytes;
    }
    print_line("memory: in all, estimated", format_bytes(total));
    const bool fused = loss_is_fused(config, device, dtype);
    std::string way = fused ? "fused kernel" : "autograd on chunks of rows";
    if (config.compares_features()) way += "; inner values through autograd";
    print_line("loss", way);
  }
};

}  // namespace

void add_validate(CLI::App& app) {
  auto options = std::make_shared<ValidateCommand>();
  CLI::App* command = app.add_subcommand(
      "validate", "Reads all that a run needs, builds nothing, says what it costs");
  options->file.add_to(*command, true);
  command->add_flag("--strict", options->strict,
                    "exit 1 also where only weights or data files are absent");
  command->footer("Example:\n  distill validate --config configs/qwen_gsm8k.yaml");
  command->callback([options] { options->run(); });
}

}  // namespace distill::app
