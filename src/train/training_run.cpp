#include "distill/train/training_run.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/memory.h"
#include "distill/core/random.h"
#include "distill/core/signals.h"
#include "distill/data/prefetch.h"
#include "distill/data/record_set.h"
#include "distill/ops/device.h"
#include "train/random_state.h"
#include "train/run_identity.h"
#include "train/trainer.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

void require_nothing_missing(const std::vector<std::string>& missing) {
  if (missing.empty()) return;
  std::string text = "the run needs what is not there:";
  for (const std::string& sentence : missing) text += "\n  " + sentence;
  throw DataError(text);
}

/// Where a run begins.
struct StartingPoint {
  std::optional<LoadedCheckpoint> checkpoint = std::nullopt;
  bool foreign = false;   // not one of the run folder's own
  bool finished = false;  // there is nothing left to do
};

StartingPoint newest_checkpoint(const RunFolder& folder, const CheckpointStore& store) {
  const fs::path newest = store.newest_whole();
  if (!newest.empty()) return {load_checkpoint(newest)};
  if (fs::exists(folder.final_model())) {
    log_info("nothing to do: " + folder.final_model().string() + " is there");
    return {.finished = true};
  }
  log_info(folder.path().string() + " has no checkpoint: starting at step 0");
  return {};
}

StartingPoint starting_point(const std::string& resume, const RunFolder& folder,
                             const CheckpointStore& store) {
  if (resume.empty()) {
    folder.require_fresh();
    return {};
  }
  if (resume == "auto") return newest_checkpoint(folder, store);
  StartingPoint start;
  start.checkpoint = load_checkpoint(resume);
  const fs::path found = fs::canonical(resume);
  const fs::path own =
      fs::canonical(folder.path()) / store.folder(start.checkpoint->state.step).filename();
  start.foreign = found != own;
  if (start.foreign && !describe_run(folder.path()).empty()) {
    throw ConfigError(folder.path().string() + ": holds a run already, and " + resume +
                      " is no checkpoint of it (" + found.string() +
                      "); choose a fresh folder with run.output_dir=DIR");
  }
  return start;
}

/// What can be read is read first: everything else that is wrong is reported before what is absent.
void require_all_present(const RunConfig& config, const ModelPlan& plan) {
  const std::vector<std::string> files = missing_files(config.data);
  if (files.empty() && plan.tokenizer && !plan.missing.empty())
    plan_data(config, plan, Counting::kNone);
  std::vector<std::string> missing = plan.missing;
  missing.insert(missing.end(), files.begin(), files.end());
  require_nothing_missing(missing);
}

std::vector<Batch> held_out_batches(const RunConfig& config, const DataSplits& splits) {
  if (!splits.eval) return {};
  return all_batches(*splits.eval, config.train.micro_batch_size, config.data.eval_limit);
}

void announce(const ModelPlan& plan, const PlannedData& data, const std::string& steps,
              at::Device device, at::ScalarType dtype) {
  std::string line;
  if (plan.teacher) {
    line = "teacher " + plan.teacher->folder.string() + " (" +
           format_count(parameter_count(plan.teacher->config)) + "), ";
  }
  const int64_t parameters = parameter_count(plan.student->config);
  const int64_t trained = plan.trained.parameters;
  line += "student of " + format_count(parameters) + " parameters";
  if (trained < parameters) line += ", " + format_count(trained) + " trained";
  log_info(line + ", " + dtype_name(dtype) + " on " + device.str());
  for (const std::string& statistics : data_statistics(data)) log_info("data: " + statistics);
  log_info("optimizer steps: " + steps);
}

}  // namespace

std::vector<std::string> missing_files(const DataConfig& data) {
  std::vector<std::string> missing;
  std::vector<const std::vector<SourceConfig>*> all = {&data.train, &data.eval};
  if (data.contamination) all.push_back(&data.contamination->against);
  for (const auto* sources : all) {
    for (const SourceConfig& source : *sources) {
      if (source_exists(source.path)) continue;
      try {
        source_files(source.path, {source.subset, source.split});
        missing.push_back("data: " + source.path + ": no such file");
      } catch (const DataError& error) {
        missing.push_back("data: " + std::string(error.what()));
      }
    }
  }
  return missing;
}

PlannedData plan_data(const RunConfig& config, const ModelPlan& plan, Counting counting) {
  const auto chat = choose_chat_template(config.data.chat_template, plan.tokenizer_folder);
  PlannedData data;
  data.splits = load_data(config.data, plan.tokenizer, chat);
  if (counting == Counting::kNone) return data;
  const BatchStream stream(data.splits.train, {config.data, config.train.micro_batch_size},
                           static_cast<uint64_t>(config.run.seed));
  if (counting == Counting::kSample) {
    try {
      data.epoch = stream.count_epoch(0, {}, 1);
      data.sampled = data.epoch->report.records < data.splits.train->record_count();
    } catch (const DataError&) {
      data.epoch.reset();
    }
    return data;
  }
  {
    ProgressLine line("tokenize", 0, data.splits.train->record_count());
    data.splits.train->keep_tokens([&line](int64_t done, int64_t) {
      line.update(done, "records");
      throw_if_stopped();
    });
  }
  ProgressLine line("read the data", 0, data.splits.train->record_count());
  data.epoch = stream.count_epoch(0, [&line](int64_t done, int64_t) {
    line.update(done, "records");
    throw_if_stopped();
  });
  if (data.epoch->batches == 0) {
    throw DataError("the data gives no document to train on; " + data.epoch->report.summary());
  }
  return data;
}

std::vector<std::string> data_statistics(const PlannedData& data) {
  if (!data.epoch) return {};
  const EpochCount& count = *data.epoch;
  std::vector<std::string> lines = {count.report.summary()};
  if (data.sampled) {
    lines[0] = "the first of " + std::to_string(data.splits.train->record_count()) +
               " records, as the run will read them: " + lines[0];
  }
  if (count.lengths.total() > 0)
    lines.push_back("lengths before max_length: " + count.lengths.summary());
  if (count.filled > 0) {
    char text[64];
    std::snprintf(text, sizeof text, "packing fills %.1f %% of the batches", 100 * count.filled);
    lines.emplace_back(text);
  }
  return lines;
}

namespace {

int64_t steps_per_epoch(const TrainConfig& train, int64_t batches_per_epoch) {
  const int64_t size = train.gradient_accumulation_steps;
  return (batches_per_epoch + size - 1) / size;
}

}  // namespace

int64_t total_steps(const TrainConfig& train, int64_t batches_per_epoch) {
  if (train.max_steps) return *train.max_steps;
  const auto steps = static_cast<double>(steps_per_epoch(train, batches_per_epoch));
  constexpr double kRounding = 1e-9;  // 1.1 * 50 is a little more than 55
  return std::max<int64_t>(1, std::llround(std::ceil(train.num_epochs * steps - kRounding)));
}

std::string describe_steps(const TrainConfig& train, int64_t batches_per_epoch) {
  std::string text = std::to_string(total_steps(train, batches_per_epoch));
  if (batches_per_epoch == 0) return text;
  text += " (" + std::to_string(steps_per_epoch(train, batches_per_epoch)) + " an epoch";
  const int64_t left = batches_per_epoch % train.gradient_accumulation_steps;
  if (left > 0) {
    text += ", the last of each of " + std::to_string(left) +
            (left == 1 ? " micro-batch" : " micro-batches");
  }
  return text + ")";
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

namespace {

/// Beside its checkpoints: events are cut back to the state, what came later is set aside.
void continue_run(const RunFolder& folder, CheckpointStore& store, const TrainerState& state) {
  store.continue_from(state);
  cut_events(folder.events(), state.step, state.evaluation_due);
}

/// A finished run with its final model; a sentence says what it was finished by.
bool nothing_left(const LoadedCheckpoint& checkpoint, const TrainConfig& train, int64_t steps,
                  const RunFolder& folder) {
  const TrainerState& state = checkpoint.state;
  if (!is_finished(state, train, steps) || !fs::exists(folder.final_model())) return false;
  const std::string at = " at step " + std::to_string(state.step);
  log_info(state.step >= steps
               ? "nothing to do: the run was finished" + at +
                     "; a larger train.max_steps or train.num_epochs goes on from there"
               : "nothing to do: early stopping ended the run" + at +
                     "; a larger train.early_stopping_patience, or none, goes on from there");
  return true;
}

TrainerParts trainer_parts(const RunConfig& config, const ModelPlan& plan, const PlannedData& data,
                           int64_t batches_per_epoch, const LoadedModels& models) {
  TrainerParts parts;
  parts.config = &config;
  parts.tokenizer = TokenizerFiles(plan.tokenizer_folder);
  parts.student = models.student.get();
  parts.teacher = models.teacher.get();
  parts.eval_batches = held_out_batches(config, data.splits);
  parts.batches_per_epoch = batches_per_epoch;
  parts.total_steps = total_steps(config.train, batches_per_epoch);
  parts.looks_at_each_step = models.student->device().is_cpu();
  parts.memory = estimate_memory(config, plan, models.student->device(), models.student->dtype());
  return parts;
}

}  // namespace

std::optional<TrainingSummary> run_training(const LoadedConfig& loaded, const std::string& resume) {
  const RunConfig& config = loaded.config;
  set_threads(config.run.threads);
  const at::Device device = resolve_device(config.run.device);
  const at::ScalarType dtype = resolve_dtype(config.run.dtype, device);
  const ModelPlan plan = plan_models(config);
  require_all_present(config, plan);
  const RunFolder folder(config.run.output_dir);
  CheckpointStore store(folder.path());
  StartingPoint start = starting_point(resume, folder, store);
  if (start.finished) return std::nullopt;
  const PlannedData data =
      plan_data(config, plan, config.train.max_steps ? Counting::kSample : Counting::kEpoch);
  const int64_t batches = data.epoch && !data.sampled ? data.epoch->batches : 0;
  const RunIdentity identity = run_identity(loaded, plan, data.splits);
  if (start.checkpoint) {
    check_identity(*start.checkpoint, identity);
    const int64_t steps = total_steps(config.train, batches);
    if (nothing_left(*start.checkpoint, config.train, steps, folder)) return std::nullopt;
  }

  const LoadedModels models = load_models(config, plan, device, dtype);
  TrainerParts parts = trainer_parts(config, plan, data, batches, models);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  Prefetcher stream(
      BatchStream(data.splits.train, {config.data, config.train.micro_batch_size}, seed),
      config.data.prefetch);
  seed_generators(seed, device);
  log_to_file(folder.path() / "log.txt");
  announce(plan, data, describe_steps(config.train, batches), device, dtype);
  for (const std::string& warning : plan_warnings(config, plan, parts.total_steps)) {
    log_warning(warning);
  }
  parts.folder = &folder;
  parts.store = &store;
  parts.source = &stream;
  parts.identity = identity;
  Trainer trainer(std::move(parts));
  keep_freed_memory();
  if (start.checkpoint) {
    if (start.foreign) start.checkpoint->state.best = {};  // it is not here
    trainer.resume(*start.checkpoint);
    if (device.is_cpu()) warn_of_other_threads(start.checkpoint->folder);
  }
  if (start.checkpoint && !start.foreign) {
    continue_run(folder, store, start.checkpoint->state);
  } else {
    fs::remove(folder.events());
  }
  start.checkpoint.reset();  // its file is mapped
  write_run_files(folder, loaded, device, dtype, identity);
  return trainer.run();
}

}  // namespace distill
