#include "distill/train/training_run.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/memory.h"
#include "distill/core/random.h"
#include "distill/core/signals.h"
#include "distill/core/version.h"
#include "distill/io/hf_folder.h"
#include "distill/ops/device.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

void require_nothing_missing(const std::vector<std::string>& missing) {
  if (missing.empty()) return;
  std::string text = "the run needs what is not there:";
  for (const std::string& sentence : missing) text += "\n  " + sentence;
  throw DataError(text);
}

/// True for keys that a resumed run must share.
bool shapes_the_run(const std::string& key) {
  static const std::vector<std::string> kPrefixes = {"teacher.",
                                                     "student.",
                                                     "data.",
                                                     "objective.",
                                                     "train.gradient_accumulation_steps",
                                                     "run.seed",
                                                     "run.dtype",
                                                     "train.micro_batch_size"};
  if (key == "data.prefetch" || key == "teacher.device") return false;
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&key](const std::string& prefix) { return key.rfind(prefix, 0) == 0; });
}

/// Those keys, and the hashes of what the run reads.
std::vector<std::pair<std::string, std::string>> run_identity(const LoadedConfig& loaded,
                                                              const ModelPlan& plan,
                                                              const DataSplits& data) {
  std::vector<std::pair<std::string, std::string>> identity;
  for (const auto& [key, value] : loaded.values) {
    if (shapes_the_run(key)) identity.emplace_back(key, value);
  }
  if (plan.teacher) {
    identity.emplace_back("teacher weights", WeightFiles(plan.teacher->folder).hash().hex());
  }
  identity.emplace_back("tokenizer", plan.tokenizer->hash().hex());
  identity.emplace_back("training data", data.train->hash().hex());
  return identity;
}

void write_run_files(const RunFolder& folder, const LoadedConfig& loaded, at::Device device,
                     at::ScalarType dtype,
                     const std::vector<std::pair<std::string, std::string>>& identity) {
  write_file(folder.path() / "config.yaml", loaded.resolved);
  Json run = {{"version", version()},          {"commit", commit()},
              {"libtorch", TORCH_VERSION},     {"device", device.str()},
              {"dtype", dtype_name(dtype)},    {"threads", at::get_num_threads()},
              {"seed", loaded.config.run.seed}};
  for (const auto& [key, value] : identity) {
    if (key.find('.') == std::string::npos) run["hashes"][key] = value;
  }
  write_file(folder.path() / "run.json", run.dump(2) + "\n");
}

/// A sum is split among threads, so another number of them gives other last bits.
void warn_of_other_threads(const fs::path& checkpoint) {
  const fs::path path = fs::canonical(checkpoint).parent_path() / "run.json";
  if (!fs::exists(path)) return;
  const int64_t then = read_json(path).value("threads", int64_t{0});
  const int64_t now = at::get_num_threads();
  if (then == 0 || then == now) return;
  log_warning("the run began with " + std::to_string(then) + plural(" CPU thread", then) +
              " and goes on with " + std::to_string(now) +
              ": results may differ in the last bits; run.threads=" + std::to_string(then) +
              " keeps them");
}

/// The checkpoint to go on from; empty: none.
fs::path checkpoint_to_resume(const std::string& resume, const RunFolder& folder) {
  if (resume != "auto") return resume;
  const fs::path latest = folder.path() / "latest";
  return fs::exists(latest) ? fs::canonical(latest) : fs::path();
}

std::vector<Batch> held_out_batches(const RunConfig& config, const DataSplits& splits) {
  if (!splits.eval) return {};
  return all_batches(*splits.eval, config.train.micro_batch_size, config.data.eval_limit);
}

void announce(const ModelPlan& plan, const PlannedData& data, int64_t steps, at::Device device,
              at::ScalarType dtype) {
  std::string line;
  if (plan.teacher) {
    line = "teacher " + plan.teacher->folder.string() + " (" +
           format_count(parameter_count(plan.teacher->config)) + "), ";
  }
  log_info(line + "student of " + format_count(parameter_count(plan.student->config)) +
           " parameters, " + dtype_name(dtype) + " on " + device.str());
  if (data.epoch) log_info("data: " + data.epoch->report.summary());
  log_info(std::to_string(steps) + plural(" optimizer step", steps));
}

std::string cell(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

void add_row(std::string& table, const std::string& name, const std::string& before,
             const std::string& after) {
  char line[160];
  std::snprintf(line, sizeof line, "  %-28s %12s %12s\n", name.c_str(), before.c_str(),
                after.c_str());
  table += line;
}

}  // namespace

std::vector<std::string> missing_files(const DataConfig& data) {
  std::vector<std::string> missing;
  for (const auto* sources : {&data.train, &data.eval}) {
    for (const SourceConfig& source : *sources) {
      if (!fs::exists(source.path)) missing.push_back("data: " + source.path + ": no such file");
    }
  }
  return missing;
}

PlannedData plan_data(const RunConfig& config, const ModelPlan& plan, bool count) {
  const auto chat = choose_chat_template(config.data.chat_template, plan.tokenizer_folder);
  PlannedData data;
  data.splits = load_data(config.data, plan.tokenizer, chat);
  if (!count) return data;
  const BatchStream stream(data.splits.train, {config.data, config.train.micro_batch_size},
                           static_cast<uint64_t>(config.run.seed));
  ProgressLine line("read the data", 0, data.splits.train->record_count());
  data.epoch = stream.count_epoch(0, [&line](int64_t done, int64_t) {
    line.update(done, "records");
    throw_if_stopped();
  });
  return data;
}

int64_t total_steps(const TrainConfig& train, int64_t batches_per_epoch) {
  if (train.max_steps) return *train.max_steps;
  const double batches = train.num_epochs * static_cast<double>(batches_per_epoch);
  const auto per_step = static_cast<double>(train.gradient_accumulation_steps);
  return std::max<int64_t>(1, std::llround(std::ceil(batches / per_step)));
}

std::vector<std::string> plan_warnings(const RunConfig& config, const ModelPlan& plan,
                                       int64_t steps) {
  std::vector<std::string> warnings;
  const auto check = [&](const char* key, int64_t value) {
    if (value <= steps) return;
    warnings.push_back(std::string(key) + " is " + std::to_string(value) +
                       ", but the run has only " + std::to_string(steps) + plural(" step", steps));
  };
  check("train.logging_steps", config.train.logging_steps);
  check("train.eval_steps", config.train.eval_steps);
  check("train.save_steps", config.train.save_steps);
  check("lr_scheduler.warmup_steps", config.lr_scheduler.warmup(steps));
  const int64_t length = config.data.max_length;
  for (const auto& [role, model] :
       {std::pair("teacher", &plan.teacher), {"student", &plan.student}}) {
    if (!*model || length <= (*model)->config.max_positions) continue;
    warnings.push_back("data.max_length is " + std::to_string(length) + ", but the " + role +
                       " was made for at most " + std::to_string((*model)->config.max_positions) +
                       " tokens (max_position_embeddings)");
  }
  return warnings;
}

std::optional<TrainingSummary> run_training(const LoadedConfig& loaded, const std::string& resume) {
  const RunConfig& config = loaded.config;
  set_threads(config.run.threads);
  const at::Device device = resolve_device(config.run.device);
  const at::ScalarType dtype = resolve_dtype(config.run.dtype, device);

  const ModelPlan plan = plan_models(config);
  std::vector<std::string> missing = plan.missing;
  const std::vector<std::string> files = missing_files(config.data);
  missing.insert(missing.end(), files.begin(), files.end());
  // What can be read is read first: everything else that is wrong is reported before what is
  // absent.
  if (files.empty() && plan.tokenizer && !missing.empty()) plan_data(config, plan, false);
  require_nothing_missing(missing);

  const RunFolder folder(config.run.output_dir);
  if (resume.empty()) folder.require_fresh();
  const fs::path checkpoint = resume.empty() ? fs::path() : checkpoint_to_resume(resume, folder);
  if (!resume.empty() && checkpoint.empty()) {
    if (fs::exists(folder.final_model())) {
      log_info("nothing to do: " + folder.final_model().string() + " is there");
      return std::nullopt;
    }
    log_info(folder.path().string() + " has no checkpoint: starting at step 0");
  }
  const PlannedData data = plan_data(config, plan, !config.train.max_steps);
  const int64_t batches = data.epoch ? data.epoch->batches : 0;
  const int64_t steps = total_steps(config.train, batches);

  LoadedModels models = load_models(config, plan, device, dtype);
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  generator.set_current_seed(derive_seed(static_cast<uint64_t>(config.run.seed), "dropout"));
  const auto identity = run_identity(loaded, plan, data.splits);
  if (checkpoint.empty()) {
    fs::remove(folder.events());
    write_run_files(folder, loaded, device, dtype, identity);
  }
  log_to_file(folder.path() / "log.txt");
  announce(plan, data, steps, device, dtype);
  for (const std::string& warning : plan_warnings(config, plan, steps)) log_warning(warning);

  Prefetcher stream(BatchStream(data.splits.train, {config.data, config.train.micro_batch_size},
                                static_cast<uint64_t>(config.run.seed)),
                    config.data.prefetch);
  TrainerParts parts;
  parts.config = &config;
  parts.folder = &folder;
  parts.student = models.student.get();
  parts.teacher = models.teacher.get();
  parts.stream = &stream;
  parts.data = data.splits.train.get();
  parts.eval_batches = held_out_batches(config, data.splits);
  parts.total_steps = steps;
  parts.batches_per_epoch = batches;
  parts.tokenizer_folder = plan.tokenizer_folder;
  parts.identity = identity;
  if (!checkpoint.empty()) {
    const TrainerState state = load_checkpoint(checkpoint).state;
    cut_events(folder.events(), state.step, state.evaluation_due);
  }
  Trainer trainer(std::move(parts));
  keep_freed_memory();
  if (!checkpoint.empty()) {
    trainer.resume(checkpoint);
    if (device.is_cpu()) warn_of_other_threads(checkpoint);
    write_run_files(folder, loaded, device, dtype, identity);
  }
  if (trainer.finished() && fs::exists(folder.final_model())) {
    log_info("nothing to do: the run was finished at step " + std::to_string(steps));
    return std::nullopt;
  }
  const TrainingSummary summary = trainer.run();
  log_info("data read: " + stream.report().summary());
  return summary;
}

std::string format_summary(const TrainingSummary& summary, const fs::path& folder) {
  std::string table;
  const int64_t steps = summary.last_step - summary.first_step + 1;
  if (steps > 0) {
    add_row(table, "", "step " + std::to_string(summary.first_step),
            "step " + std::to_string(summary.last_step));
    add_row(table, "training loss", cell("%.4f", summary.first_loss),
            cell("%.4f", summary.last_loss));
  } else {
    add_row(table, "", "", "step " + std::to_string(summary.last_step));
  }
  if (summary.after) {
    const Fidelity& after = *summary.after;
    const Fidelity* before = summary.before ? &*summary.before : nullptr;
    const auto both = [&](const char* name, auto value, const char* format) {
      add_row(table, name, before ? cell(format, value(*before)) : "", cell(format, value(after)));
    };
    both(
        "held-out perplexity", [](const Fidelity& f) { return f.perplexity(); }, "%.3f");
    if (after.forward_kl) {
      both(
          "KL(teacher || student)", [](const Fidelity& f) { return *f.forward_kl; }, "%.4f");
      both(
          "agreement with teacher", [](const Fidelity& f) { return *f.agreement; }, "%.4f");
      add_row(table, "teacher's perplexity", "", cell("%.3f", std::exp(*after.teacher_nll)));
    }
  }
  const bool resumed = summary.first_step > 1;
  table += "  " + std::to_string(steps) + plural(" step", steps) +
           (resumed ? " after step " + std::to_string(summary.first_step - 1) : "") + ", " +
           format_count(summary.tokens) + plural(" token", summary.tokens) + " in " +
           cell("%.1f", summary.seconds) + " s, " +
           format_count(static_cast<int64_t>(summary.tokens_per_second)) +
           " tokens/s; the model is in " + (folder / "final").string() + "\n";
  return table;
}

}  // namespace distill
