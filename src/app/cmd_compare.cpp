#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "app/commands.h"
#include "app/held_out.h"
#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/eval/comparison.h"
#include "distill/io/hf_folder.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"

namespace distill::app {
namespace {

constexpr const char* kTeacher = "teacher";

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
      if (!file.overrides.empty()) {
        throw ConfigError("compare: " + file.overrides[0] + ": there is no --config to override");
      }
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

  /// Before anything is computed: every student has a row of its own, is there and speaks the
  /// teacher's tokens.
  void require_students() const {
    std::set<std::string> rows = {kTeacher};
    for (const std::string& text : students) {
      const Student student = parse_student(text);
      if (!rows.insert(student.name).second) {
        throw ConfigError("compare: two rows would be called '" + student.name +
                          "'; give one of them another name: --student name=folder");
      }
      require_same_tokenizer(resolve_model(student.path), resolve_model(teacher));
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
    const NamedModel its_teacher{kTeacher, [&] { return load(teacher, teachers); }};
    return compare_models(its_teacher, models, batches);
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
