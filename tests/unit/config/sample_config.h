// A configuration with every kind of field, for the tests of this folder.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distill/config/config_file.h"
#include "distill/config/registry.h"
#include "distill/config/section.h"
#include "distill/core/error.h"

namespace distill::sample {

struct Loss {
  virtual ~Loss() = default;
  virtual void fields(Section& section) {
    section.field("weight", weight, {.help = "Factor in the loss.", .min = 0});
  }
  double weight = 1.0;
};

struct CrossEntropy final : Loss {};

struct ForwardKl : Loss {
  void fields(Section& section) override {
    Loss::fields(section);
    section.field("temperature", temperature, {.help = "Softmax temperature.", .above = 0});
  }
  double temperature = 1.0;
};

struct ReverseKl final : ForwardKl {};

inline Registry<Loss> losses() {
  Registry<Loss> registry;
  registry.add<CrossEntropy>("cross_entropy", "Negative log-likelihood of the targets.")
      .add<ForwardKl>("forward_kl", "KL(teacher || student).")
      .add<ReverseKl>("reverse_kl", "KL(student || teacher).");
  return registry;
}

struct Objective {
  std::string type;
  std::unique_ptr<Loss> value;
};

// A teacher that may hold teachers: the schema contains itself.
struct Teacher {
  virtual ~Teacher() = default;
  virtual void fields(Section& section) = 0;
};
Registry<Teacher> teachers();

struct Member {
  std::string type;
  std::unique_ptr<Teacher> value;
};

struct LiveTeacher final : Teacher {
  void fields(Section& section) override {
    section.field("path", path, {.help = "Model folder.", .required = true});
  }
  std::string path;
};

struct EnsembleTeacher final : Teacher {
  void fields(Section& section) override {
    section.variant_list("members", members, teachers(), {.help = "The teachers."});
  }
  std::vector<Member> members;
};

inline Registry<Teacher> teachers() {
  Registry<Teacher> registry;
  registry.add<LiveTeacher>("live", "A frozen model.")
      .add<EnsembleTeacher>("ensemble", "A mean of teachers.");
  return registry;
}

enum class DType { kAuto, kFloat32, kBFloat16 };

struct Run {
  void fields(Section& section) {
    section.field("output_dir", output_dir, {.help = "Folder of the run.", .required = true});
    section.field("seed", seed, {.help = "Seed of all generators.", .min = 0});
    section.field(
        "dtype", dtype,
        {{"auto", DType::kAuto}, {"float32", DType::kFloat32}, {"bfloat16", DType::kBFloat16}},
        {.help = "Compute type."});
    section.field("threads", threads, {.help = "CPU threads.", .min = 1, .default_text = "all"});
  }
  std::string output_dir;
  int64_t seed = 42;
  DType dtype = DType::kAuto;
  std::optional<int64_t> threads;
};

struct Source {
  void fields(Section& section) {
    section.field("path", path, {.help = "File.", .required = true});
    section.field("columns", columns, {.help = "Our names to the file's."});
    section.field("limit", limit, {.help = "Records at most.", .min = 1});
  }
  std::string path;
  std::vector<std::pair<std::string, std::string>> columns;
  std::optional<int64_t> limit;
};

struct Data {
  void fields(Section& section) {
    section.field("packing", packing, {.help = "Fill rows."});
    section.list("train", train, {.help = "Sources."});
    section.field("test_size", test_size, {.help = "Held out.", .above = 0, .below = 1});
    section.field("tags", tags, {.help = "Labels | names."});
  }
  bool packing = false;
  std::vector<Source> train;
  std::optional<double> test_size;
  std::vector<std::string> tags;
};

struct Optimizer {
  void fields(Section& section) {
    section.field("learning_rate", learning_rate, {.help = "Peak rate.", .above = 0});
    section.field("betas", betas, {.help = "Adam's decay rates.", .min = 0, .below = 1});
    section.field("layers", layers, {.help = "Layers that train."});
    section.field("note", note, {.help = "Free text."});
    if (section.parsing() && betas.size() != 2) {
      section.problem("betas", "expected 2 values, found " + std::to_string(betas.size()));
    }
    if (section.parsing() && !layers.empty() && section.has("note")) {
      section.problem("", "'layers' and 'note' exclude each other");
    }
  }
  double learning_rate = 2e-5;
  std::vector<double> betas = {0.9, 0.999};
  std::vector<int64_t> layers;
  std::optional<std::string> note;
};

struct Train {
  void fields(Section& section) {
    section.field("num_epochs", num_epochs, {.help = "Passes over the data.", .above = 0});
    section.field("micro_batch_size", micro_batch_size, {.help = "Documents.", .min = 1});
  }
  int64_t num_epochs = 1;
  int64_t micro_batch_size = 8;
};

struct Config {
  void fields(Section& section) {
    section.section("run", run, {.help = "The run as a whole."});
    section.variant("teacher", teacher, teacher_type, teachers(), {.help = "Whom to learn from."});
    section.section("data", data, {.help = "What is read."});
    section.variant_list("objective", objective, losses(), {.help = "The terms of the loss."});
    section.section("optimizer", optimizer, {.help = "The update."});
    section.section("train", train, {.help = "The loop."});
    section.section("extra", extra, {.help = "One more source."});
  }
  std::function<void(Section&)> visitor() {
    return [this](Section& section) { fields(section); };
  }

  Run run;
  std::string teacher_type;
  std::unique_ptr<Teacher> teacher;
  Data data;
  std::vector<Objective> objective;
  Optimizer optimizer;
  Train train;
  std::optional<Source> extra;
};

inline constexpr const char* kRun = "run: {output_dir: out}\n";

/// The configuration that the text and the overrides give; its `run.output_dir` is there already.
inline Config read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  Config config;
  ConfigFile::parse(kRun + text, "f.yaml", overrides).read(config.visitor());
  return config;
}

/// The problems of a whole file.
inline std::vector<std::string> problems_of(const std::string& text,
                                            const std::vector<std::string>& overrides = {}) {
  Config config;
  try {
    ConfigFile::parse(text, "f.yaml", overrides).read(config.visitor());
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

/// The problems of text that follows a good first line.
inline std::vector<std::string> problems_after_run(const std::string& text,
                                                   const std::vector<std::string>& overrides = {}) {
  return problems_of(kRun + text, overrides);
}

}  // namespace distill::sample
