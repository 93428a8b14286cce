// One function a subcommand: adds its options to the command line and what it does.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace distill::app {

void add_train(CLI::App& app);
void add_eval(CLI::App& app);
void add_validate(CLI::App& app);
void add_compare(CLI::App& app);
void add_forward(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_generate(CLI::App& app);
void add_list(CLI::App& app);

/// Options that several commands have.
struct DeviceOptions {
  std::string device = "auto";
  std::string dtype = "auto";
  int64_t threads = 0;

  void add_to(CLI::App& command);
};

/// The option --config and the trailing key.path=value overrides.
struct ConfigOptions {
  std::string path;
  std::vector<std::string> overrides;

  void add_to(CLI::App& command, bool required);
};

}  // namespace distill::app
