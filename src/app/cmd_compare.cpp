#include <filesystem>
#include <iostream>
#include <memory>

#include "app/commands.h"
#include "app/held_out.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/eval/comparison.h"
#include "distill/io/hf_folder.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"
#include "distill/text/tokenizer.h"

namespace distill::app {
namespace {

struct CompareCommand {
  ConfigOptions file;
  std::string teacher;
  std::vector<std::string> students;
  std::string output;
  DataOptions data;
  DeviceOptions device;

  void run() {
    DeviceOptions teachers = device;
    std::vector<Batch> batches;
    if (!file.path.empty()) {
      if (!data.path.empty())
        throw ConfigError("compare: --data goes with --teacher, not --config");
      const RunConfig config = load_run_config(file.path, file.overrides).config;
      if (teacher.empty() && config.teacher) teacher = config.teacher->path;
      if (students.empty()) students.push_back(config.run.output_dir + "/final");
      teachers = teacher_device(config, device);
      device = student_device(config, device);
      require_teacher();
      require_students();
      batches = held_out_batches(config, resolve_model(teacher).string());
    } else {
      require_teacher();
      if (students.empty() || data.path.empty()) {
        throw ConfigError("compare: expected --config, or --teacher, --student and --data");
      }
      require_students();
      batches = file_batches(data, resolve_model(teacher).string());
    }
    const Comparison comparison = compare(batches, teachers);
    std::cout << comparison.to_table();
    if (!output.empty()) write_file(output, comparison.to_json().dump(2) + "\n");
  }

  void require_teacher() const {
    if (teacher.empty()) throw ConfigError("compare: there is no teacher; name one with --teacher");
  }

  struct Student {
    std::string name, path;
  };

  /// "name=folder", or a folder, whatever is in its name.
  static Student parse_student(const std::string& text) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || std::filesystem::exists(text)) return {text, text};
    return {text.substr(0, equals), text.substr(equals + 1)};
  }

  /// Before anything is computed: every student is there and speaks the teacher's tokens.
  void require_students() const {
    const auto hash = load_tokenizer(resolve_model(teacher))->hash();
    for (const std::string& text : students) {
      const std::filesystem::path folder = resolve_model(parse_student(text).path);
      if (!std::filesystem::exists(folder / "tokenizer.json")) continue;
      if (load_tokenizer(folder)->hash() == hash) continue;
      throw DataError("compare: " + folder.string() + " and the teacher, " + teacher +
                      ", have different tokenizers: their losses are not about the same tokens");
    }
  }

  static Transformer load(const std::string& path, const DeviceOptions& options) {
    const at::Device where = resolve_device(options.device);
    return load_transformer(resolve_model(path), resolve_dtype(options.dtype, where), where);
  }

  Comparison compare(const std::vector<Batch>& batches, const DeviceOptions& teachers) const {
    set_threads(device.threads);
    std::vector<NamedModel> models;
    for (const std::string& student : students) {
      const Student each = parse_student(student);
      models.push_back({each.name, [this, each] { return load(each.path, device); }});
    }
    return compare_models("teacher", LiveTeacher(load(teacher, teachers)), models, batches);
  }
};

}  // namespace

void add_compare(CLI::App& app) {
  auto options = std::make_shared<CompareCommand>();
  CLI::App* command = app.add_subcommand(
      "compare",
      "A teacher and its students on the same tokens: KL both ways, agreement, NLL, speed");
  options->file.add_to(*command, false);
  command->add_option("--teacher", options->teacher,
                      "model folder or hub id; default: the config's");
  command->add_option("--student", options->students,
                      "folder, or name=folder; repeat for more; default: the run's final/");
  options->data.add_to(*command);
  command->add_option("--output", options->output, "also write the table here, as JSON");
  options->device.add_to(*command);
  command->footer(
      "Example:\n  distill compare --config configs/tiny/stories.yaml --student "
      "distilled=runs/stories/final");
  command->callback([options] { options->run(); });
}

}  // namespace distill::app
