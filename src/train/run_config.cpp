#include "distill/train/run_config.h"

#include <algorithm>
#include <set>

#include "distill/core/error.h"
#include "distill/core/regex.h"
#include "distill/objective/feature_objective.h"
#include "distill/train/event_keys.h"

namespace distill {
namespace {

const std::vector<std::string> kDtypes = {"auto", "float32", "bfloat16", "float64"};
const std::vector<std::string> kMetrics = {"eval_loss", "eval_nll", "eval_forward_kl",
                                           "eval_reverse_kl", "eval_agreement"};

/// Two terms of one name would be one key of every event; one of the event's own would hide it.
void check_labels(Section& section, const std::vector<ObjectiveTerm>& objectives) {
  std::set<std::string> seen;
  for (const ObjectiveTerm& term : objectives) {
    if (!term.value) continue;
    const std::string& label = term.label();
    if (is_event_key(label)) {
      section.problem("objective", "a term is called '" + label +
                                       "', which the run's events have as a key of their own: one "
                                       "value would hide the other, and a resume reads them; give "
                                       "the term another `name`");
    }
    if (seen.insert(label).second) continue;
    section.problem("objective",
                    "two terms are called '" + label + "'; give one of them a `name` of its own");
  }
}

}  // namespace

void RunSection::fields(Section& section) {
  section.field("output_dir", output_dir, {.help = "The run folder; made when absent."});
  section.field("seed", seed,
                {.help = "Every random number of the run derives from it.", .min = 0});
  section.field("device", device,
                {.help = "Where the student trains. auto: cuda where a usable GPU is, else cpu.",
                 .choices = {"auto", "cpu", "cuda"}});
  section.field("dtype", dtype,
                {.help = "Compute dtype; master weights are fp32 all the same. auto: bfloat16 on "
                         "cuda, float32 on a cpu.",
                 .choices = kDtypes});
  section.field("threads", threads, {.help = "CPU threads; 0: all cores.", .min = 0, .max = 1024});
}

void TeacherConfig::fields(Section& section) {
  section.field("type", type, {.help = "live: a model in memory.", .choices = {"live"}});
  section.field("path", path,
                {.help = "A model folder, or a hub id that is in the local Hugging Face cache.",
                 .required = true});
  section.field("device", device,
                {.help = "Where the teacher runs.",
                 .choices = {"auto", "cpu", "cuda"},
                 .default_text = "run.device"});
  section.field("dtype", dtype,
                {.help = "The teacher's dtype.", .choices = kDtypes, .default_text = "run.dtype"});
}

void FromTeacherConfig::fields(Section& section) {
  section.field(
      "layers", layers,
      {.help = "The teacher's layers to keep, in order, from 0.", .min = 0, .required = true});
}

void StudentConfig::fields(Section& section) {
  section.field(
      "path", path,
      {.help = "A model folder or cached hub id to start from. One of path, from_teacher and "
               "config is needed."});
  section.section("from_teacher", from_teacher,
                  {.help = "Start from a copy of some of the teacher's layers."});
  section.field("config", config,
                {.help = "A folder with a config.json, or the file itself: random weights."});
  section.field("tokenizer", tokenizer,
                {.help = "A folder with the tokenizer, where the student has none of its own.",
                 .default_text = "the student's folder, else the teacher's"});
  section.field("freeze", freeze,
                {.help = "Regular expressions (PCRE2): a parameter in whose name in "
                         "model.safetensors one of them is found keeps its values."});
  const int ways = int(path.has_value()) + int(from_teacher.has_value()) + int(config.has_value());
  if (section.parsing() && ways != 1) {
    section.problem(
        "", "expected exactly one of path, from_teacher and config, found " + std::to_string(ways));
  }
  if (!section.parsing()) return;
  for (const std::string& pattern : freeze) {
    const std::string problem = regex_problem(pattern);
    if (!problem.empty()) section.problem("freeze", problem);
  }
}

void TrainConfig::fields(Section& section) {
  section.field(
      "num_epochs", num_epochs,
      {.help =
           "Passes over the training data; ignored where max_steps is set. The last step of a pass "
           "takes the micro-batches that are left.",
       .above = 0});
  section.field("max_steps", max_steps,
                {.help = "Optimizer steps in all.", .min = 1, .default_text = "from num_epochs"});
  section.field("micro_batch_size", micro_batch_size,
                {.help = "Documents a forward pass; with data.packing it is filled with whole "
                         "documents up to micro_batch_size * data.max_length tokens.",
                 .min = 1});
  section.field(
      "gradient_accumulation_steps", gradient_accumulation_steps,
      {.help = "Micro-batches an optimizer step, fewer at the end of a pass over the data.",
       .min = 1});
  section.field("max_grad_norm", max_grad_norm,
                {.help = "Gradients are scaled down to this norm; 0: never.", .min = 0});
  section.field(
      "gradient_checkpointing", gradient_checkpointing,
      {.help = "Compute a block's inner values again in backward: less memory, a third more "
               "time."});
  section.field("logging_steps", logging_steps, {.help = "Steps between log lines.", .min = 1});
  section.field(
      "eval_steps", eval_steps,
      {.help = "Steps between evaluations on held-out data; 0: only at the end.", .min = 0});
  section.field("eval_at_start", eval_at_start, {.help = "Also evaluate before the first step."});
  section.field(
      "save_steps", save_steps,
      {.help = "Steps between checkpoints; 0: only at the end or on a signal.", .min = 0});
  section.field("save_last", save_last,
                {.help = "Save a checkpoint after the last step, from which the run can be made "
                         "longer."});
  section.field(
      "save_total_limit", save_total_limit,
      {.help = "Checkpoints to keep: `best`, which counts, and the newest ones; 1 may keep "
               "both it and the last; 0: all.",
       .min = 0});
  section.field("metric_for_best_model", metric_for_best_model,
                {.help = "The evaluation metric that `best` follows.", .choices = kMetrics});
  section.field("early_stopping_patience", early_stopping_patience,
                {.help = "Stop after this many evaluations without a better metric.", .min = 1});
  if (!section.parsing()) return;
  if (early_stopping_patience && !metric_for_best_model) {
    section.problem("early_stopping_patience", "needs metric_for_best_model");
  }
  if (metric_for_best_model && eval_steps == 0) {
    section.problem("metric_for_best_model", "needs eval_steps");
  }
}

void RunConfig::fields(Section& section) {
  section.section("run", run, {.help = "Where and how the run happens."});
  section.section("teacher", teacher,
                  {.help = "The model to learn from. Absent: plain fine-tuning."});
  section.section("student", student, {.help = "The model that is trained."});
  section.section("data", data, {.help = "What it is trained and evaluated on."});
  section.variant_list(
      "objective", objective, objectives(),
      {.help = "The terms of the loss: their weighted sum is minimised.", .required = true});
  section.section("optimizer", optimizer, {.help = "How weights are updated."});
  section.section("lr_scheduler", lr_scheduler, {.help = "The learning rate over the run."});
  section.section("train", train, {.help = "Batches, intervals and checkpoints."});
  if (!section.parsing()) return;
  check_labels(section, objective);
  const auto counts = [](const ObjectiveTerm& term) {
    return !term.value || term.value->weight().highest() > 0;
  };
  if (!objective.empty() && std::none_of(objective.begin(), objective.end(), counts)) {
    section.problem("objective", "expected a term with a weight above 0: nothing would be learned");
  }
  if (!teacher && student.from_teacher) {
    section.problem("student", "from_teacher needs a teacher");
  }
  for (const ObjectiveTerm& term : objective) {
    if (!teacher && term.value && term.value->needs_teacher()) {
      section.problem("objective", term.type + " needs a teacher, and there is none");
    }
  }
}

bool RunConfig::compares_features() const {
  return std::any_of(objective.begin(), objective.end(), [](const ObjectiveTerm& term) {
    return dynamic_cast<const FeatureObjective*>(term.value.get()) != nullptr;
  });
}

LoadedConfig load_run_config(const std::filesystem::path& path,
                             const std::vector<std::string>& overrides) {
  const ConfigFile file = ConfigFile::load(path, overrides);
  LoadedConfig loaded;
  const auto fields = [&loaded](Section& section) { loaded.config.fields(section); };
  file.read(fields);
  if (loaded.config.objective.empty()) {
    throw ConfigError(path.string() +
                      ": objective: expected a term with a weight above 0, found an empty list");
  }
  loaded.resolved = file.resolved(fields);
  loaded.values = flatten_config(fields);
  loaded.numbers = numbers_of_config(fields);
  return loaded;
}

}  // namespace distill
