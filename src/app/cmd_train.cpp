#include <iostream>
#include <memory>

#include "app/commands.h"
#include "app/shell_quotes.h"
#include "distill/core/error.h"
#include "distill/core/log.h"
#include "distill/train/training_run.h"

namespace distill::app {
namespace {

struct TrainCommand {
  ConfigOptions file;
  std::string resume;

  void run() const {
    const LoadedConfig loaded = load_run_config(file.path, file.overrides);
    try {
      const auto summary = run_training(loaded, resume);
      if (summary) std::cout << format_summary(*summary, loaded.config.run.output_dir);
    } catch (const InterruptedTraining&) {
      log_info("go on with: " + command("auto"));
      throw;
    } catch (const Interrupted&) {
      log_info("go on with: " + command(resume));
      throw;
    }
  }

  std::string command(const std::string& from) const {
    std::string command = "distill train --config " + in_shell_quotes(file.path);
    for (const std::string& override : file.overrides) command += ' ' + in_shell_quotes(override);
    return from.empty() ? command : command + " --resume " + in_shell_quotes(from);
  }
};

}  // namespace

void add_train(CLI::App& app) {
  auto options = std::make_shared<TrainCommand>();
  CLI::App* command = app.add_subcommand("train", "Distils a teacher into a student");
  options->file.add_to(*command, true);
  command->add_option("--resume", options->resume,
                      "auto: the run folder's latest checkpoint; or a checkpoint folder");
  command->footer(
      "Example:\n  distill train --config configs/smollm2_gsm8k.yaml train.max_steps=48 "
      "objective.1.temperature=4");
  command->callback([options] { options->run(); });
}

}  // namespace distill::app
