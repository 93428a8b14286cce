#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>

#include "app/commands.h"
#include "distill/config/config_file.h"
#include "distill/core/error.h"
#include "distill/core/log.h"
#include "distill/core/signals.h"
#include "distill/core/version.h"
#include "distill/ops/device.h"

namespace {

constexpr int kDone = 0;
constexpr int kInputIsWrong = 1;
constexpr int kUsageIsWrong = 2;
constexpr int kBug = 70;

constexpr const char* kOutOfMemory =
    "error: out of memory: take smaller batches (train.micro_batch_size; generate: batch_size), "
    "shorter documents\n(data.max_length, --max-length) or a smaller model";

constexpr const char* kFooter =
    "Example:\n"
    "  distill train --config configs/tiny/stories.yaml\n"
    "  distill train --config configs/smollm2_gsm8k.yaml train.max_steps=48 "
    "objective.1.temperature=4\n"
    "Exit codes: 0 done, 2 the command line or configuration is wrong, 1 data, model or "
    "checkpoint\n"
    "is wrong, 70 a bug, 128+n stopped by signal n after what was done was saved.";

int report(const std::string& message, int code) {
  distill::show_progress_line("");
  std::fprintf(stderr, "%s\n", message.c_str());
  return code;
}

/// CLI11 would only say that a command is missing.
void require_known_command(const CLI::App& app, const std::string& name) {
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  if (std::find(commands.begin(), commands.end(), name) != commands.end()) return;
  const std::string near = distill::nearest_name(name, commands);
  throw distill::ConfigError(
      "'" + name + "': unknown command; " +
      (near.empty() ? "distill --help lists the commands" : "did you mean '" + near + "'?"));
}

int run(int argc, char** argv) {
  CLI::App app("Distils a large language model into a small one.", "distill");
  app.set_version_flag("--version", distill::version() + " (" + distill::commit() + ")");
  app.require_subcommand(1);
  app.footer(kFooter);
  distill::app::add_train(app);
  distill::app::add_eval(app);
  distill::app::add_validate(app);
  distill::app::add_compare(app);
  distill::app::add_forward(app);
  distill::app::add_tokenize(app);
  distill::app::add_generate(app);
  distill::app::add_list(app);
  if (argc > 1 && argv[1][0] != '-') require_known_command(app, argv[1]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsageIsWrong;
  }
  return kDone;
}

}  // namespace

int main(int argc, char** argv) {
  distill::catch_stop_signals();
  try {
    return run(argc, argv);
  } catch (const distill::ConfigError& error) {
    return report(error.what(), kUsageIsWrong);
  } catch (const distill::Interrupted& error) {
    return report(error.what(), 128 + error.signal());
  } catch (const distill::Error& error) {
    return report(std::string("error: ") + error.what(), kInputIsWrong);
  } catch (const std::filesystem::filesystem_error& error) {
    return report("error: " + error.path1().string() + ": " + error.code().message(),
                  kInputIsWrong);
  } catch (const std::exception& error) {
    if (distill::is_out_of_memory(error)) return report(kOutOfMemory, kInputIsWrong);
    return report(std::string("internal error: ") + error.what() + "\nThis is a bug in distill " +
                      distill::version() + " (" + distill::commit() + "); please report it.",
                  kBug);
  }
}
