#include "distill/train/training_run.h"

#include <ATen/Context.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "distill/core/error.h"
#include "distill/core/files.h"
#include "distill/core/log.h"
#include "distill/core/memory.h"
#include "distill/core/random.h"
#include "distill/core/signals.h"
#include "distill/data/record_set.h"
#include "distill/ops/device.h"
#include "train/run_identity.h"

namespace distill {
namespace {

namespace fs = std::filesystem;

void require_nothing_missing(const std::vector<std::string>& missing) {
  if (missing.empty()) return;
  std::string text = "the run needs what is not there:";
  for (const std::string& sentence : missing) text += "\n  " + sentence;
  throw DataError(text);
}

/// The checkpoint to go on from; empty: none.
fs::path checkpoint_to_resume(const std::string& resume, const RunFolder& folder) {
  if (resume != "auto") return resume;
  const fs::path latest = folder.path() / "latest";
  return fs::exists(latest) ? fs::canonical(latest) : fs::path();
}

struct StartingPoint {
  std::optional<LoadedCheckpoint> checkpoint;
  bool finished = false;  // there is nothing left to do
};

StartingPoint starting_point(const std::string& resume, const RunFolder& folder) {
  if (resume.empty()) {
    folder.require_fresh();
    return {};
  }
  const fs::path checkpoint = checkpoint_to_resume(resume, folder);
  if (!checkpoint.empty()) return {load_checkpoint(checkpoint)};
  if (fs::exists(folder.final_model())) {
    log_info("nothing to do: " + folder.final_model().string() + " is there");
    return {std::nullopt, true};
  }
  log_info(folder.path().string() + " has no checkpoint: starting at step 0");
  return {};
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

void announce(const ModelPlan& plan, const PlannedData& data, int64_t steps, at::Device device,
              at::ScalarType dtype) {
  std::string line;
  if (plan.teacher) {
    line = "teacher " + plan.teacher->folder.string() + " (" +
           format_count(parameter_count(plan.teacher->config)) + "), ";
  }
  log_info(line + "student of " + format_count(parameter_count(plan.student->config)) +
           " parameters, " + dtype_name(dtype) + " on " + device.str());
  for (const std::string& statistics : data_statistics(data)) log_info("data: " + statistics);
  log_info(std::to_string(steps) + plural(" optimizer step", steps));
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
  require_all_present(config, plan);
  const RunFolder folder(config.run.output_dir);
  StartingPoint start = starting_point(resume, folder);
  if (start.finished) return std::nullopt;
  const PlannedData data =
      plan_data(config, plan, config.train.max_steps ? Counting::kSample : Counting::kEpoch);
  const int64_t batches = data.epoch && !data.sampled ? data.epoch->batches : 0;
  const int64_t steps = total_steps(config.train, batches);

  LoadedModels models = load_models(config, plan, device, dtype);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  generator.set_current_seed(derive_seed(seed, "dropout"));
  const RunIdentity identity = run_identity(loaded, plan, data.splits);
  if (start.checkpoint) {
    check_identity(*start.checkpoint, identity);
    const TrainerState& state = start.checkpoint->state;
    cut_events(folder.events(), state.step, state.evaluation_due);
  } else {
    fs::remove(folder.events());
    write_run_files(folder, loaded, device, dtype, identity);
  }
  log_to_file(folder.path() / "log.txt");
  announce(plan, data, steps, device, dtype);
  for (const std::string& warning : plan_warnings(config, plan, steps)) log_warning(warning);

  Prefetcher stream(
      BatchStream(data.splits.train, {config.data, config.train.micro_batch_size}, seed),
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
  Trainer trainer(std::move(parts));
  keep_freed_memory();
  if (start.checkpoint) {
    trainer.resume(*start.checkpoint);
    if (device.is_cpu()) warn_of_other_threads(start.checkpoint->folder);
    write_run_files(folder, loaded, device, dtype, identity);
    start.checkpoint.reset();  // its file is mapped
  }
  if (trainer.finished() && fs::exists(folder.final_model())) {
    log_info("nothing to do: the run was finished at step " + std::to_string(steps));
    return std::nullopt;
  }
  const TrainingSummary summary = trainer.run();
  log_info("data read: " + stream.report().summary());
  return summary;
}

}  // namespace distill
