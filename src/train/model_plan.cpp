#include "distill/train/model_plan.h"

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/progress.h"
#include "distill/io/hf_folder.h"
#include "distill/model/loading.h"
#include "distill/ops/device.h"
#include "distill/teacher/live_teacher.h"
#include "train/parameter_groups.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

bool has_weights(const fs::path& folder) {
  return fs::exists(folder / "model.safetensors") ||
         fs::exists(folder / "model.safetensors.index.json");
}

/// Null and a sentence in `missing` where the folder is not there.
std::optional<PlannedModel> find_model(const std::string& path_or_id, ModelPlan& plan) {
  PlannedModel model;
  try {
    model.folder = resolve_model(path_or_id);
  } catch (const DataError& error) {
    plan.missing.emplace_back(error.what());
    return std::nullopt;
  }
  model.config = read_transformer_config(model.folder);
  model.has_weights = has_weights(model.folder);
  return model;
}

void require_weights(const std::string& role, const PlannedModel& model, ModelPlan& plan) {
  if (model.has_weights) return;
  plan.missing.push_back(role + ": " + model.folder.string() +
                         ": config.json is there, but no model.safetensors");
}

std::optional<PlannedModel> plan_student(const StudentConfig& student, ModelPlan& plan) {
  if (student.path) {
    auto found = find_model(*student.path, plan);
    if (found) require_weights("student", *found, plan);
    return found;
  }
  if (student.config) {
    const fs::path path = *student.config;
    PlannedModel model;
    model.folder = fs::is_directory(path) ? path : path.parent_path();
    const fs::path file = fs::is_directory(path) ? path / "config.json" : path;
    model.config = transformer_config_from_json(read_json(file), file.string());
    return model;
  }
  if (!plan.teacher) return std::nullopt;
  PlannedModel model = *plan.teacher;
  const auto layers = student.from_teacher->layers;
  for (const int64_t layer : layers) {
    const int64_t count = model.config.num_layers();
    if (layer < count) continue;
    throw ConfigError("student.from_teacher.layers: the teacher has " + std::to_string(count) +
                      plural(" layer", count) + ", 0 to " + std::to_string(count - 1) + "; found " +
                      std::to_string(layer));
  }
  model.config = select_layers(std::move(model.config), layers);
  return model;
}

/// The folder that the student's tokenizer comes from; empty: not found yet.
fs::path tokenizer_folder(const RunConfig& config, const ModelPlan& plan) {
  const StudentConfig& student = config.student;
  if (student.tokenizer) return *student.tokenizer;
  if (student.path) return plan.student ? plan.student->folder : fs::path();
  if (plan.teacher) return plan.teacher->folder;
  return student.config && plan.student ? plan.student->folder : fs::path();
}

void check_vocabulary(const char* role, const std::optional<PlannedModel>& model,
                      const ModelPlan& plan) {
  if (!model || plan.tokenizer->vocab_size() <= model->config.vocab_size) return;
  throw DataError(plan.tokenizer_folder.string() + ": the tokenizer has ids up to " +
                  std::to_string(plan.tokenizer->vocab_size() - 1) + ", but the " + role +
                  " only " + std::to_string(model->config.vocab_size) + " embedding rows");
}

/// What the terms need of the models, compared with what they have and offer.
void check_needs(const RunConfig& config, const ModelPlan& plan, const Offers& offers) {
  std::vector<std::string> problems;
  for (const ObjectiveTerm& term : config.objective) {
    try {
      for (const std::string& unmet : unmet_needs(term.value->needs(plan.taps), offers)) {
        problems.push_back("objective: " + term.label() + " needs of the teacher " + unmet +
                           ", which " + config.teacher->path + " (type " + config.teacher->type +
                           ") does not offer");
      }
    } catch (const ConfigError& error) {
      problems.push_back("objective: " + term.label() + ": " + error.what());
    }
  }
  if (!problems.empty()) throw ConfigError(problems);
}

/// Whether what is compared of the student depends on a parameter that trains. No taps: the logits
/// are, which depend on all.
bool reaches(const std::set<Tap>& taps, int64_t lowest_block) {
  return taps.empty() || std::any_of(taps.begin(), taps.end(), [&](const Tap& tap) {
           const bool hidden = tap.kind == Tap::Kind::kHidden;
           return hidden ? tap.layer > lowest_block : tap.layer >= lowest_block;
         });
}

void check_learns(const RunConfig& config, const ModelPlan& plan) {
  const auto learns = [&](const ObjectiveTerm& term) {
    return reaches(term.value->needs(plan.taps).student_taps, plan.trained.lowest_block);
  };
  const auto& terms = config.objective;
  if (terms.empty() || std::any_of(terms.begin(), terms.end(), learns)) return;
  throw ConfigError(
      "objective: no gradient reaches what trains of the student: all that is compared is below "
      "it; compare a higher layer, or freeze less (student.freeze)");
}

/// The objectives, and what trains; for as much as the models that were found tell.
void plan_loss(const RunConfig& config, ModelPlan& plan) {
  if (!plan.student) return;
  const TransformerConfig& student = plan.student->config;
  plan.taps.student = tap_shapes(student);
  if (config.teacher && !plan.teacher) {
    // What the objectives have of their own is not known, nor what groups would find in it.
    AdamWOptions optimizer = config.optimizer;
    optimizer.groups.clear();
    plan.trained = plan_trained_part(student, plan.taps, {}, optimizer, config.student.freeze);
    return;
  }
  if (plan.teacher) {
    const Offers offers = LiveTeacher::offers(plan.teacher->config);
    plan.taps.teacher = offers.taps;
    check_needs(config, plan, offers);
  }
  plan.trained = plan_trained_part(student, plan.taps, config.objective, config.optimizer,
                                   config.student.freeze);
  check_learns(config, plan);
}

void check_tokenizers(const RunConfig& config, const ModelPlan& plan) {
  check_vocabulary("student", plan.student, plan);
  check_vocabulary("teacher", plan.teacher, plan);
  if (!plan.teacher || plan.teacher->folder == plan.tokenizer_folder) return;
  if (!fs::exists(plan.teacher->folder / "tokenizer.json")) return;
  const auto teachers = load_tokenizer(plan.teacher->folder);
  if (teachers->hash() == plan.tokenizer->hash()) return;
  throw DataError(
      "teacher and student have different tokenizers: " + plan.teacher->folder.string() + " (" +
      std::to_string(teachers->vocab_size()) + " tokens) and " + plan.tokenizer_folder.string() +
      " (" + std::to_string(plan.tokenizer->vocab_size()) +
      " tokens); logits can only be compared over one vocabulary. Choose a pair that "
      "shares it (" +
      config.teacher->path + ")");
}

at::Device teacher_device(const RunConfig& config, at::Device device) {
  return config.teacher->device == "auto" ? device : resolve_device(config.teacher->device);
}

}  // namespace

at::ScalarType teacher_dtype(const RunConfig& config, at::ScalarType dtype) {
  if (config.teacher->dtype == "auto") return dtype;
  return resolve_dtype(config.teacher->dtype, at::kCPU);
}

ModelPlan plan_models(const RunConfig& config) {
  ModelPlan plan;
  if (config.teacher) {
    plan.teacher = find_model(config.teacher->path, plan);
    if (plan.teacher) require_weights("teacher", *plan.teacher, plan);
  }
  plan.student = plan_student(config.student, plan);
  plan_loss(config, plan);
  plan.tokenizer_folder = tokenizer_folder(config, plan);
  if (plan.tokenizer_folder.empty()) return plan;
  if (!fs::exists(plan.tokenizer_folder / "tokenizer.json")) {
    plan.missing.push_back(plan.tokenizer_folder.string() +
                           ": there is no tokenizer.json; name its folder with student.tokenizer");
    return plan;
  }
  plan.tokenizer = load_tokenizer(plan.tokenizer_folder);
  plan.chat_template = load_chat_template(plan.tokenizer_folder);
  check_tokenizers(config, plan);
  return plan;
}

LoadedModels load_models(const RunConfig& config, const ModelPlan& plan, at::Device device,
                         at::ScalarType dtype) {
  LoadedModels models;
  std::unique_ptr<LiveTeacher> live;
  if (config.teacher) {
    live = std::make_unique<LiveTeacher>(load_transformer(
        plan.teacher->folder, teacher_dtype(config, dtype), teacher_device(config, device)));
  }
  if (config.student.path) {
    models.student =
        std::make_unique<Transformer>(load_transformer(plan.student->folder, dtype, device));
  } else if (config.student.from_teacher) {
    const std::vector<int64_t>& layers = config.student.from_teacher->layers;
    const Transformer& teacher = live->model();
    if (teacher.dtype() == dtype && teacher.device() == device) {
      models.student = std::make_unique<Transformer>(make_student_from_layers(teacher, layers));
    } else {
      models.student = std::make_unique<Transformer>(
          make_student_from_layers(load_transformer(plan.teacher->folder, dtype, device), layers));
    }
  } else {
    models.student = std::make_unique<Transformer>(plan.student->config, dtype, device);
    initialise(*models.student, static_cast<uint64_t>(config.run.seed));
  }
  models.teacher = std::move(live);
  return models;
}

}  // namespace distill
