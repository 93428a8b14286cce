#include <functional>
#include <iostream>
#include <memory>
#include <sstream>

#include "app/commands.h"
#include "distill/config/config_file.h"
#include "distill/core/files.h"
#include "distill/data/record_format.h"
#include "distill/eval/text_generation.h"
#include "distill/model/family.h"
#include "distill/train/run_config.h"

namespace distill::app {
namespace {

constexpr const char* kDocHeader =
    "# Configuration\n\n"
    "Every key of a run's YAML file. This page is written by `distill list --config-docs`; "
    "CI checks that it\nis up to date. A key that is not here is an error.\n\n"
    "A number \"or schedule\" may change over the run, as `{from: 4, to: 1, over: 0.3}`: see\n"
    "[Numbers over the run](objectives.md#numbers-over-the-run).\n\n";

void print_indented(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) std::cout << "    " << line << '\n';
}

template <typename T>
void print_registry(const char* title, const Registry<T>& registry) {
  std::cout << title << ":\n";
  for (const RegistryEntry& entry : registry.entries()) {
    std::cout << "  " << entry.name << ": " << entry.summary << '\n';
    const auto component = registry.create(entry.name);
    print_indented(describe_fields([&](Section& section) { component->fields(section); }));
  }
}

void print_formats() {
  std::cout << "format of data:\n";
  for (const RegistryEntry& entry : record_formats().entries()) {
    std::cout << "  " << entry.name << ": " << entry.summary << "\n    columns:";
    for (const FormatColumn& column : record_formats().create(entry.name)->columns()) {
      std::cout << ' ' << column.field << (column.required ? "" : " (optional)");
    }
    std::cout << '\n';
  }
}

void print_config_docs() {
  RunConfig config;
  std::cout << kDocHeader << document_config([&](Section& section) { config.fields(section); });
}

void print_generate_docs() {
  GenerateConfig config;
  std::cout << document_config([&](Section& section) { config.fields(section); });
}

void list() {
  print_formats();
  print_registry("objective", objectives());
  std::cout << "  schedule: a number that changes over the run, such as\n"
               "    {from: 4, to: 1, over: 0.3, shape: cosine}\n"
               "    over: steps, or a share of the run; absent: the whole run\n"
               "    shape: constant, linear, cosine or step; absent: linear\n";
  print_registry("lr_scheduler", schedules());
  std::cout << "model families (config.json's model_type):\n";
  for (const Family& family : families()) std::cout << "  " << family.model_type << "\n";
}

}  // namespace

void add_list(CLI::App& app) {
  struct Options {
    bool config_docs = false, generate_docs = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("list", "Every registered name with its options");
  command->add_flag("--config-docs", options->config_docs, "docs/config.md: all keys, as Markdown");
  command->add_flag("--generate-docs", options->generate_docs,
                    "the table of docs/generate.md: all keys of generate");
  command->footer("Example:\n  distill list");
  command->callback([options] {
    if (options->config_docs) return print_config_docs();
    if (options->generate_docs) return print_generate_docs();
    list();
  });
}

}  // namespace distill::app
